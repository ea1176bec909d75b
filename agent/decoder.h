/* SPDX-License-Identifier: MIT */
/*
 * decoder.h - the values of gateways' headers. Each decoder takes its own spelling and no
 * other. 0; -EINVAL where it is not that; -ENODATA where it says that there is no
 * certificate; -EMSGSIZE, -ENOMEM. What was appended on an error is the caller's to drop.
 */
#ifndef DLK_AGENT_DECODER_H
#define DLK_AGENT_DECODER_H

#include "model/request.h"

struct dlk_certificates {
	struct dlk_buf *leaf, *chain; /* DER */
};

/* Percent-encoded PEM or base64 (nginx, Apache, ALB). */
int dlk_decode_escaped(struct dlk_bytes value, struct dlk_certificates *out);
/* PEM as it is, or base64 of DER (FastCGI). */
int dlk_decode_pem(struct dlk_bytes value, struct dlk_certificates *out);
/* Base64 of DER (HAProxy, Caddy). */
int dlk_decode_base64(struct dlk_bytes value, struct dlk_certificates *out);
int dlk_decode_chain_base64(struct dlk_bytes value, struct dlk_certificates *out);
/* Base64 of DER, percent-encoded by older ones; a comma before each further certificate. */
int dlk_decode_traefik(struct dlk_bytes value, struct dlk_certificates *out);
/* Structured fields (RFC 9440, RFC 8941 section 3.3.5): ":BASE64:". */
int dlk_decode_rfc9440(struct dlk_bytes value, struct dlk_certificates *out);
int dlk_decode_chain_rfc9440(struct dlk_bytes value, struct dlk_certificates *out);
/* Envoy's x-forwarded-client-cert: exactly one element, with Cert and perhaps Chain. */
int dlk_decode_xfcc(struct dlk_bytes value, struct dlk_certificates *out);

/* Base64 of "user:code" (RFC 7617); user may be empty. Into user and code of the request. */
int dlk_decode_basic(struct dlk_bytes value, struct dlk_request *request);

#endif
