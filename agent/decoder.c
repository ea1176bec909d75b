/* SPDX-License-Identifier: MIT */
/*
 * decoder.c - one function for each spelling of a certificate in a header. It looks into no
 * certificate and knows no header's name.
 */
#include "agent/decoder.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "agent/spelling.h"
#include "core/pem.h"

static int
add_base64(struct dlk_bytes text, size_t limit, struct dlk_buf *buf)
{
	if (buf->n > limit || text.n / 4 * 3 > limit - buf->n)
		return -EMSGSIZE;
	return dlk_base64_decode(text, buf);
}

static int
add_escaped(struct dlk_bytes text, size_t limit, struct dlk_buf *buf)
{
	DLK_AUTO_BUF plain = { 0 };

	int r = dlk_spelling_unescape(text, text.n, &plain);
	return r < 0 ? r : dlk_spelling_decode(dlk_bytes_of(&plain), limit, buf);
}

int
dlk_decode_escaped(struct dlk_bytes value, struct dlk_certificates *out)
{
	return add_escaped(value, DLK_EVIDENCE_MAX, out->leaf);
}

int
dlk_decode_pem(struct dlk_bytes value, struct dlk_certificates *out)
{
	return dlk_spelling_decode(value, DLK_EVIDENCE_MAX, out->leaf);
}

int
dlk_decode_base64(struct dlk_bytes value, struct dlk_certificates *out)
{
	return add_base64(value, DLK_EVIDENCE_MAX, out->leaf);
}

int
dlk_decode_chain_base64(struct dlk_bytes value, struct dlk_certificates *out)
{
	return add_base64(value, DLK_CHAIN_MAX, out->chain);
}

/* Up to `stop`; the rest behind it. False where `stop` is not there: all of it. */
static bool
split(struct dlk_bytes *rest, char stop, struct dlk_bytes *ret_part)
{
	const uint8_t *at = rest->n ? memchr(rest->p, stop, rest->n) : NULL;
	size_t n = at ? (size_t)(at - rest->p) : rest->n;

	*ret_part = DLK_BYTES(rest->p, n);
	*rest = at ? DLK_BYTES(at + 1, rest->n - n - 1) : (struct dlk_bytes){ 0 };
	return at;
}

static struct dlk_bytes
trim(struct dlk_bytes text)
{
	while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
		text = DLK_BYTES(text.p + 1, text.n - 1);
	while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
		text.n--;
	return text;
}

static int
add_traefik(struct dlk_bytes text, size_t limit, struct dlk_buf *buf)
{
	DLK_AUTO_BUF plain = { 0 };

	int r = dlk_spelling_unescape(text, text.n, &plain);
	return r < 0 ? r : add_base64(dlk_bytes_of(&plain), limit, buf);
}

int
dlk_decode_traefik(struct dlk_bytes value, struct dlk_certificates *out)
{
	struct dlk_bytes part;
	bool more = split(&value, ',', &part);
	int r = add_traefik(part, DLK_EVIDENCE_MAX, out->leaf);

	while (r == 0 && more) {
		more = split(&value, ',', &part);
		r = add_traefik(part, DLK_CHAIN_MAX, out->chain);
	}
	return r;
}

static int
add_sequence(struct dlk_bytes item, size_t limit, struct dlk_buf *buf)
{
	item = trim(item);
	if (item.n < 2 || item.p[0] != ':' || item.p[item.n - 1] != ':')
		return -EINVAL;
	return add_base64(DLK_BYTES(item.p + 1, item.n - 2), limit, buf);
}

int
dlk_decode_rfc9440(struct dlk_bytes value, struct dlk_certificates *out)
{
	return add_sequence(value, DLK_EVIDENCE_MAX, out->leaf);
}

int
dlk_decode_chain_rfc9440(struct dlk_bytes value, struct dlk_certificates *out)
{
	struct dlk_bytes part;
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		more = split(&value, ',', &part);
		r = add_sequence(part, DLK_CHAIN_MAX, out->chain);
	}
	return r;
}

/* One key=value of an XFCC element; the value without its quotes. What ends it is in *ret_end:
 * ';', ',' or 0. -EINVAL for a quote that does not close, or something behind one. */
static int
next_pair(
    struct dlk_bytes *rest, struct dlk_bytes *key, struct dlk_bytes *value, char *ret_end)
{
	size_t at = 0, begin, end;

	while (at < rest->n && rest->p[at] != '=' && !strchr(";,\"", rest->p[at]))
		at++;
	if (at == 0 || at >= rest->n || rest->p[at] != '=')
		return -EINVAL;
	*key = DLK_BYTES(rest->p, at);
	begin = ++at;
	if (at < rest->n && rest->p[at] == '"') {
		begin = ++at;
		while (at < rest->n && rest->p[at] != '"')
			at += rest->p[at] == '\\' ? 2 : 1;
		if (at >= rest->n)
			return -EINVAL;
		end = at++;
	} else {
		while (at < rest->n && !strchr(";,\"", rest->p[at]))
			at++;
		end = at;
	}
	*value = DLK_BYTES(rest->p + begin, end - begin);
	if (at < rest->n && rest->p[at] != ';' && rest->p[at] != ',')
		return -EINVAL;
	*ret_end = at < rest->n ? (char)rest->p[at++] : '\0';
	*rest = DLK_BYTES(rest->p + at, rest->n - at);
	return 0;
}

static bool
is_key(struct dlk_bytes key, const char *name)
{
	return key.n == strlen(name) && strncasecmp((const char *)key.p, name, key.n) == 0;
}

/* Chain has the leaf first; a path does not need it twice, and is none the worse for it. */
int
dlk_decode_xfcc(struct dlk_bytes value, struct dlk_certificates *out)
{
	struct dlk_bytes key, text, certificate = { 0 }, chain = { 0 };
	char end = ';';

	/* a second element: some proxy before this one, or the client, has added its own */
	while (end == ';') {
		if (next_pair(&value, &key, &text, &end) < 0)
			return -EINVAL;
		struct dlk_bytes *place = is_key(key, "Cert")    ? &certificate
					  : is_key(key, "Chain") ? &chain
								 : NULL;
		if (place && place->p)
			return -EINVAL;
		if (place)
			*place = text;
	}
	if (end == ',')
		return -EINVAL;
	if (certificate.n == 0)
		return -ENODATA;
	int r = add_escaped(certificate, DLK_EVIDENCE_MAX, out->leaf);
	if (r == 0 && chain.n > 0)
		r = add_escaped(chain, DLK_CHAIN_MAX, out->chain);
	return r;
}

int
dlk_decode_basic(struct dlk_bytes value, struct dlk_request *request)
{
	DLK_AUTO_BUF text = { 0 };
	struct dlk_bytes rest, user;

	int r = add_base64(trim(value), 4 * DLK_NAME_MAX, &text);
	if (r < 0)
		return r;
	rest = dlk_bytes_of(&text);
	if (!split(&rest, ':', &user) || user.n > DLK_NAME_MAX || memchr(user.p, 0, user.n))
		return -EINVAL;
	memcpy(request->user, user.p, user.n);
	request->user[user.n] = '\0';
	return dlk_secret_set(&request->code, rest);
}
