/* SPDX-License-Identifier: MIT */
/*
 * profile.c - the table of gateways and what they all have in common. How a value is spelled
 * is decoder.h's; whether the certificate is any good, the core's.
 */
#include "agent/profile.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "agent/decoder.h"
#include "agent/spelling.h"
#include "base/text.h"

struct dlk_profile {
	const char *name;
	const char *certificate, *chain; /* headers; chain may be NULL */
	const char *source;
	bool last;        /* the source header is a list; its last element is the peer */
	const char *none; /* besides "": how this gateway spells no certificate */
	int (*decode)(struct dlk_bytes value, struct dlk_certificates *out);
	int (*decode_chain)(struct dlk_bytes value, struct dlk_certificates *out);
};

static const char caddy_none[] = "{http.request.tls.client.certificate_der_base64}";

static const struct dlk_profile profiles[] = {
	{ "nginx", "X-SSL-Client-Cert", NULL, "X-Real-IP", false, NULL, dlk_decode_escaped,
	    NULL },
	{ "haproxy", "X-Client-Cert-Der", "X-Client-Chain-Der", "X-Real-IP", false, NULL,
	    dlk_decode_base64, dlk_decode_chain_base64 },
	{ "caddy", "X-Client-Cert-Der", NULL, "X-Forwarded-For", true, caddy_none,
	    dlk_decode_base64, NULL },
	{ "traefik", "X-Forwarded-Tls-Client-Cert", NULL, "X-Forwarded-For", true, NULL,
	    dlk_decode_traefik, NULL },
	{ "envoy", "X-Forwarded-Client-Cert", NULL, "X-Forwarded-For", true, NULL,
	    dlk_decode_xfcc, NULL },
	{ "apache", "X-SSL-Client-Cert", NULL, "X-Real-IP", false, "(null)",
	    dlk_decode_escaped, NULL },
	{ "rfc9440", "Client-Cert", "Client-Cert-Chain", "X-Forwarded-For", true, NULL,
	    dlk_decode_rfc9440, dlk_decode_chain_rfc9440 },
	{ "alb", "X-Amzn-Mtls-Clientcert-Leaf", NULL, "X-Forwarded-For", true, NULL,
	    dlk_decode_escaped, NULL },
};
#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

/* Names that no header has: a FastCGI server gives those of the client others. In no path of
 * HTTP, so not in the table. */
static const struct dlk_profile fastcgi = { "fastcgi", "SSL_CLIENT_CERT", NULL, "REMOTE_ADDR",
	false, NULL, dlk_decode_pem, NULL };

/* Known besides those of the table. */
static const char *const others[] = { "X-Amzn-Mtls-Clientcert" };

const struct dlk_profile *
dlk_profile_find(struct dlk_bytes name)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (dlk_bytes_equal(name, dlk_bytes_str(profiles[i].name)))
			return &profiles[i];
	return NULL;
}

const struct dlk_profile *
dlk_profile_fastcgi(void)
{
	return &fastcgi;
}

static bool
is(const char *name, const char *wanted)
{
	return wanted && strcasecmp(name, wanted) == 0;
}

/* Some gateways and applications read an underscore as a dash. */
static bool
is_alias(const char *name, const char *wanted)
{
	size_t i = 0;

	if (!wanted)
		return false;
	for (; name[i] && wanted[i]; i++)
		if (strncasecmp(name + i, wanted + i, 1) != 0 &&
		    !(name[i] == '_' && wanted[i] == '-'))
			return false;
	return !name[i] && !wanted[i];
}

static bool
carries_certificate(const char *name)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (is_alias(name, profiles[i].certificate) ||
		    is_alias(name, profiles[i].chain))
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is_alias(name, others[i]))
			return true;
	return false;
}

/* What is read of a request; all borrowed, NULL where it is not there. */
struct values {
	const char *certificate, *chain, *source, *code, *authorization;
};

static enum dlk_reason
forged(struct dlk_finding *finding, const char *words, const char *name)
{
	char shown[64];

	dlk_text_escape(shown, sizeof(shown), dlk_bytes_str(name));
	return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN,
	    "header %s %s: somebody may be forging a certificate", shown, words);
}

static const char **
place_of(const struct dlk_profile *p, struct values *values, const char *name)
{
	if (is(name, p->certificate))
		return &values->certificate;
	if (is(name, p->chain))
		return &values->chain;
	if (is(name, p->source))
		return &values->source;
	if (is(name, "X-Doublelock-Code"))
		return &values->code;
	return is(name, "Authorization") ? &values->authorization : NULL;
}

static enum dlk_reason
collect(const struct dlk_profile *p, const struct dlk_headers *headers, struct values *values,
    struct dlk_finding *finding)
{
	for (size_t i = 0; i < headers->n; i++) {
		const char *name = headers->header[i].name;
		const char **place = place_of(p, values, name);
		if (!place && carries_certificate(name))
			return forged(finding, "is not this gateway's", name);
		if (place && *place)
			return forged(finding, "stands there twice", name);
		if (place)
			*place = headers->header[i].value;
	}
	return DLK_R_OK;
}

/* What cannot be decoded goes on as it came: its refusal is the core's, with an event. */
static enum dlk_reason
take_certificate(const struct dlk_profile *p, const struct values *values,
    struct dlk_request *request, struct dlk_finding *finding)
{
	struct dlk_certificates out = { &request->evidence, &request->chain };
	struct dlk_bytes value = dlk_bytes_str(values->certificate);
	int r = 0;

	if (value.n == 0 || (p->none && strcmp(values->certificate, p->none) == 0))
		return DLK_R_OK;
	r = p->decode(value, &out);
	if (r == -ENODATA)
		return DLK_R_OK;
	if (r == 0 && values->chain && values->chain[0] != '\0')
		r = p->decode_chain(dlk_bytes_str(values->chain), &out);
	if (r != 0 && r != -ENOMEM) {
		request->evidence.n = request->chain.n = 0;
		if (value.n > 1024)
			value.n = 1024; /* no certificate; for its digest only */
		r = dlk_buf_add(&request->evidence, DLK_EVIDENCE_MAX, value);
	}
	if (r != 0)
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL, "no memory");
	request->evidence_kind = DLK_EVIDENCE_CERTIFICATE;
	request->possession = DLK_POSSESSION_TLS_GATEWAY;
	return DLK_R_OK;
}

static void
take_source(
    const struct dlk_profile *p, const struct values *values, struct dlk_request *request)
{
	const char *text = values->source;

	if (!text)
		return;
	const char *comma = p->last ? strrchr(text, ',') : NULL;
	if (comma)
		text = comma + 1;
	/* what is no address is no source: nothing is remembered for it */
	(void)dlk_spelling_address(
	    text + strspn(text, " \t"), request->source, sizeof(request->source));
}

static enum dlk_reason
take_code(
    const struct values *values, struct dlk_request *request, struct dlk_finding *finding)
{
	bool basic =
	    values->authorization && strncasecmp(values->authorization, "Basic ", 6) == 0;
	int r = 0;

	if (basic && values->code)
		return forged(
		    finding, "has a code, and Authorization another", "X-Doublelock-Code");
	if (basic)
		r = dlk_decode_basic(dlk_bytes_str(values->authorization + 6), request);
	else if (values->code && values->code[0] != '\0')
		r = dlk_secret_set(&request->code, dlk_bytes_str(values->code));
	if (r == -ENOMEM)
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_INTERNAL, "no memory");
	if (r != 0)
		return dlk_find(
		    finding, DLK_STAGE_ADMIT, DLK_R_OTP_WRONG, "the code is not readable");
	request->has_code = request->code.n > 0;
	return DLK_R_OK;
}

enum dlk_reason
dlk_profile_read(const struct dlk_profile *profile, const struct dlk_headers *headers,
    struct dlk_request *request, struct dlk_finding *finding)
{
	struct values values = { 0 };
	enum dlk_reason reason = collect(profile, headers, &values, finding);

	if (reason == DLK_R_OK)
		reason = take_certificate(profile, &values, request, finding);
	if (reason == DLK_R_OK)
		reason = take_code(&values, request, finding);
	if (reason == DLK_R_OK)
		take_source(profile, &values, request);
	return reason;
}
