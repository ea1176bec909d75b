/* SPDX-License-Identifier: MIT */
/* signature.c - what a receiver checks to know that an event is ours. It sends nothing. */
#include "agent/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "core/hmac.h"
#include "core/pem.h"

static const char prefix[] = "whsec_";

void
dlk_signature_wipe(struct dlk_signature_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

static int
read_key(struct dlk_bytes line, struct dlk_secret *ret_key)
{
	DLK_AUTO_BUF octets = { 0 };
	size_t n = strlen(prefix);

	if (line.n < n || memcmp(line.p, prefix, n) != 0)
		return dlk_secret_set(ret_key, line);
	int r = dlk_base64_decode(DLK_BYTES(line.p + n, line.n - n), &octets);
	return r < 0 ? r : dlk_secret_set(ret_key, dlk_bytes_of(&octets));
}

static struct dlk_bytes
next_line(struct dlk_bytes *rest)
{
	const uint8_t *stop = memchr(rest->p, '\n', rest->n);
	size_t n = stop ? (size_t)(stop - rest->p) : rest->n, step = stop ? n + 1 : n;
	struct dlk_bytes line = DLK_BYTES(rest->p, n);

	*rest = DLK_BYTES(rest->p + step, rest->n - step);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static int
wrong(struct dlk_signature_keys *keys, struct dlk_finding *finding, const char *words)
{
	dlk_signature_wipe(keys);
	dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%s", words);
	return -EINVAL;
}

int
dlk_signature_parse(
    struct dlk_bytes content, struct dlk_signature_keys *ret_keys, struct dlk_finding *finding)
{
	memset(ret_keys, 0, sizeof(*ret_keys));
	while (content.n > 0) {
		struct dlk_bytes line = next_line(&content);
		if (line.n == 0)
			continue;
		if (ret_keys->n == DLK_SIGNATURE_KEYS_MAX)
			return wrong(ret_keys, finding, "more than four lines");
		struct dlk_secret *key = &ret_keys->key[ret_keys->n++];
		if (read_key(line, key) < 0)
			return wrong(ret_keys, finding,
			    "a line is neither whsec_BASE64 nor a short text");
		if (key->n < DLK_SIGNATURE_KEY_MIN)
			return wrong(ret_keys, finding, "a secret of less than 16 octets");
	}
	return ret_keys->n > 0 ? 0 : wrong(ret_keys, finding, "holds no secret");
}

static int
sign(const struct dlk_secret *key, const struct dlk_bytes *part, size_t n, struct dlk_buf *buf)
{
	uint8_t mac[DLK_HMAC_SIZE];

	int r = dlk_hmac_sha256(key, part, n, mac);
	if (r == 0 && buf->n > 0)
		r = dlk_buf_add(buf, DLK_SIGNATURE_TEXT, dlk_bytes_str(" "));
	if (r == 0)
		r = dlk_buf_add(buf, DLK_SIGNATURE_TEXT, dlk_bytes_str("v1,"));
	if (r == 0)
		r = dlk_base64_encode(DLK_BYTES(mac, sizeof(mac)), buf);
	return r;
}

int
dlk_signature_make(const struct dlk_signature_keys *keys, const char *id, int64_t timestamp,
    struct dlk_bytes body, char *out)
{
	DLK_AUTO_BUF buf = { 0 };
	char head[DLK_NAME_MAX];

	dlk_text_print(head, sizeof(head), "%s.%" PRId64 ".", id, timestamp);
	const struct dlk_bytes part[] = { dlk_bytes_str(head), body };
	for (size_t i = 0; i < keys->n; i++) {
		int r = sign(&keys->key[i], part, 2, &buf);
		if (r < 0)
			return r;
	}
	if (buf.n >= DLK_SIGNATURE_TEXT)
		return -EMSGSIZE;
	memcpy(out, buf.p ? buf.p : (const uint8_t *)"", buf.n);
	out[buf.n] = '\0';
	return 0;
}
