/* SPDX-License-Identifier: MIT */
/*
 * ask_openvpn.c - OpenVPN's scripts (openvpn(8), "Scripting and Environmental Variables").
 * OpenVPN has verified the chain against its own list of CAs before: this can only narrow.
 */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "password.h"

#define LINES_MAX 16384 /* octets of name and password */

static const char *
environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static void
locate(struct dlk_request *request)
{
	const char *four = environment("untrusted_ip");

	dlk_inquiry_locate(request, four ? four : environment("untrusted_ip6"));
}

/* Called for each certificate of the chain, the user's own last, with depth 0: the whole chain
 * is judged with that one. The subject is the peer's words, and nothing is decided by it. */
bool
dlk_ask_openvpn_verify(const struct dlk_ask_options *options, int argc, char **argv)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict;
	const char *file = environment("peer_cert");

	(void)argc;
	if (strcmp(argv[0], "0") != 0)
		return argv[0][0] >= '1' && argv[0][0] <= '9';
	int error = dlk_inquiry_begin(options->service, &request);
	if (error < 0)
		return dlk_ask_no("--service", error);
	if (!file)
		return dlk_ask_no("peer_cert (is tls-export-cert there?)", -ENOENT);
	error = dlk_ask_read(file, &request);
	if (error < 0)
		return dlk_ask_no(file, error);
	locate(&request);
	request.keep = options->code_follows;
	return dlk_ask_agent(options, &request, &verdict) ||
	       (request.keep && verdict.reason == DLK_R_OTP_REQUIRED && verdict.event[0]);
}

/* "01:ab:...", as OpenVPN writes the digest of the certificate that tls-verify has seen. */
static int
name_certificate(struct dlk_request *request)
{
	const char *text = environment("tls_digest_sha256_0");
	uint8_t digest[32];

	if (!text || strlen(text) != 3 * sizeof(digest) - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(digest); i++) {
		const char octet[3] = { text[3 * i], text[3 * i + 1], '\0' };
		char behind = text[3 * i + 2];
		if (dlk_unhex(octet, &digest[i], 1) < 0 || (behind != ':' && behind != '\0'))
			return -EINVAL;
	}
	return dlk_inquiry_certify(
	    request, DLK_EVIDENCE_KEPT, DLK_BYTES(digest, sizeof(digest)));
}

/* Of an OpenVPN that has auth-gen-token external-auth: it has verified its own token. */
static void
name_visit(struct dlk_request *request)
{
	const char *state = environment("session_state");

	request->renews = state && strncmp(state, "Authenticated", 13) == 0;
	(void)dlk_text_copy(request->visit, sizeof(request->visit), environment("session_id"));
}

/* Two lines: the name, which may be empty, and the password. */
static int
take_lines(const struct dlk_buf *lines, struct dlk_request *request)
{
	struct dlk_bytes name = dlk_bytes_of(lines), password = { 0 };
	const uint8_t *end = lines->n > 0 ? memchr(name.p, '\n', name.n) : NULL;

	if (!end || (size_t)(end - name.p) >= sizeof(request->user))
		return -EBADMSG;
	password = DLK_BYTES(end + 1, name.n - (size_t)(end + 1 - name.p));
	name.n = (size_t)(end - name.p);
	memcpy(request->user, name.p, name.n);
	request->user[name.n] = '\0';
	end = password.n > 0 ? memchr(password.p, '\n', password.n) : NULL;
	if (end)
		password.n = (size_t)(end - password.p);
	int error = dlk_password_read(password, NULL, &request->code);
	request->has_code = error == 0 && request->code.n > 0;
	return error;
}

/* The code, for the certificate that openvpn-verify had kept: the agent joins the two calls by
 * the certificate's digest and the address. */
bool
dlk_ask_openvpn_auth(const struct dlk_ask_options *options, int argc, char **argv)
{
	DLK_AUTO_REQUEST request = { 0 };
	DLK_AUTO_BUF lines = { 0 };
	struct dlk_verdict verdict;
	int error = dlk_inquiry_begin(options->service, &request);

	(void)argc;
	if (error < 0)
		return dlk_ask_no("--service", error);
	error = name_certificate(&request);
	if (error < 0)
		return dlk_ask_no("tls_digest_sha256_0", error);
	error = dlk_file_read(argv[0], LINES_MAX, NULL, &lines);
	if (error == 0)
		error = take_lines(&lines, &request);
	if (error < 0)
		return dlk_ask_no(argv[0], error);
	locate(&request);
	name_visit(&request);
	return dlk_ask_agent(options, &request, &verdict);
}
