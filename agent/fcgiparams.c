/* SPDX-License-Identifier: MIT */
/*
 * fcgiparams.c - makes headers of what the client has sent, so that one place (profile.h)
 * knows a forgery when it sees one. Dashes for underscores: so no header has the name of a
 * parameter of the server's.
 */
#include "agent/fcgiparams.h"

#include <errno.h>
#include <string.h>

#include "agent/fcgirecord.h"
#include "agent/profile.h"
#include "base/text.h"

#define CLIENT  "HTTP_"
#define SERVICE "DOUBLELOCK_SERVICE"

/* All texts, one after another, each with its NUL: as long as the list is, and a NUL for each
 * of two lengths that had an octet at least. */
struct texts {
	struct dlk_buf buf;
	struct dlk_header header[DLK_FCGI_HEADERS_MAX];
	size_t n;
	bool too_many;
};

static const char *
keep(struct texts *texts, struct dlk_bytes text)
{
	char *begin = (char *)texts->buf.p + texts->buf.n;

	if (text.n > 0)
		memcpy(begin, text.p, text.n);
	begin[text.n] = '\0';
	texts->buf.n += text.n + 1;
	return begin;
}

static bool
starts_with(struct dlk_bytes name, const char *word)
{
	return name.n > strlen(word) && memcmp(name.p, word, strlen(word)) == 0;
}

static void
add(struct texts *texts, struct dlk_bytes name, struct dlk_bytes value)
{
	bool client = starts_with(name, CLIENT);

	if (!client && !dlk_bytes_equal(name, dlk_bytes_str("SSL_CLIENT_CERT")) &&
	    !dlk_bytes_equal(name, dlk_bytes_str("REMOTE_ADDR")) &&
	    !dlk_bytes_equal(name, dlk_bytes_str(SERVICE)))
		return;
	if (texts->n == DLK_FCGI_HEADERS_MAX) {
		texts->too_many = true;
		return;
	}
	size_t skip = client ? strlen(CLIENT) : 0;
	size_t at = texts->buf.n;
	struct dlk_header *header = &texts->header[texts->n++];
	header->name = keep(texts, DLK_BYTES(name.p + skip, name.n - skip));
	for (; client && texts->buf.p[at] != '\0'; at++)
		if (texts->buf.p[at] == '_')
			texts->buf.p[at] = '-';
	header->value = keep(texts, value);
}

/* Takes the service's name out of the headers: it is none. */
static enum dlk_reason
take_service(struct texts *texts, struct dlk_request *request, struct dlk_finding *refusal)
{
	size_t kept = 0, found = 0;

	for (size_t i = 0; i < texts->n; i++) {
		const struct dlk_header *header = &texts->header[i];
		if (strcmp(header->name, SERVICE) != 0)
			texts->header[kept++] = *header;
		else if (++found == 1 && dlk_text_is_name(header->value))
			(void)dlk_text_copy(
			    request->service, sizeof(request->service), header->value);
	}
	texts->n = kept;
	if (found != 1 || request->service[0] == '\0')
		return dlk_find(refusal, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "want one parameter " SERVICE " with the name of a service");
	return DLK_R_OK;
}

static int
read_all(struct texts *texts, struct dlk_bytes params)
{
	struct dlk_bytes name, value;

	while (params.n > 0) {
		if (dlk_fcgi_get_pair(&params, &name, &value) < 0 ||
		    (name.n > 0 && memchr(name.p, 0, name.n)) ||
		    (value.n > 0 && memchr(value.p, 0, value.n)))
			return -EBADMSG;
		add(texts, name, value);
	}
	return 0;
}

static void
fini(struct texts *texts)
{
	dlk_buf_free(&texts->buf);
}

int
dlk_fcgi_params_read(
    struct dlk_bytes params, struct dlk_request *request, struct dlk_finding *refusal)
{
	__attribute__((cleanup(fini))) struct texts texts = { 0 };

	if (params.n > DLK_FCGI_PARAMS_MAX)
		return -EBADMSG;
	int r = dlk_buf_reserve(&texts.buf, params.n + 1);
	if (r == 0)
		r = read_all(&texts, params);
	if (r < 0)
		return r;
	if (texts.too_many)
		(void)dlk_find(refusal, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN,
		    "more than %d headers", DLK_FCGI_HEADERS_MAX);
	else if (take_service(&texts, request, refusal) == DLK_R_OK)
		(void)dlk_profile_read(dlk_profile_fastcgi(),
		    &(struct dlk_headers){ texts.header, texts.n }, request, refusal);
	return 0;
}
