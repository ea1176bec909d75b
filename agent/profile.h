/* SPDX-License-Identifier: MIT */
/*
 * profile.h - how each kind of gateway hands over a client certificate in headers. A profile
 * reads one header in one spelling: whatever else looks like a certificate was put there by
 * the client, and is refused.
 */
#ifndef DLK_AGENT_PROFILE_H
#define DLK_AGENT_PROFILE_H

#include "model/verdict.h"

struct dlk_header {
	const char *name, *value;
};
struct dlk_headers {
	const struct dlk_header *header;
	size_t n;
};

struct dlk_profile;
/* nginx haproxy caddy traefik envoy apache rfc9440 alb; NULL where there is none. */
const struct dlk_profile *dlk_profile_find(struct dlk_bytes name);
/* Of a FastCGI server: its own parameters by their names, what the client has sent as headers
 * by theirs. */
const struct dlk_profile *dlk_profile_fastcgi(void);

/*
 * Certificate, chain, source, user and code out of the headers. DLK_R_OK: a question, also
 * where there is no certificate. possession-unproven: somebody forges (a header repeated, or
 * another profile's beside this one's). fault-internal: no memory.
 */
enum dlk_reason dlk_profile_read(const struct dlk_profile *profile,
    const struct dlk_headers *headers, struct dlk_request *request,
    struct dlk_finding *finding);

#endif
