/* SPDX-License-Identifier: MIT */
/*
 * ending.h - certificates near their end, told of once a day each: those that gateways have
 * had judged, and those that this machine stands on.
 */
#ifndef DLK_AGENT_ENDING_H
#define DLK_AGENT_ENDING_H

#include "agent/courier.h"

#define DLK_ENDING_MAX 64 /* of this machine's, those that end first */

/* A certificate was judged good, for this request. From any thread. `warn`: seconds before its
 * end, or that of one above it; 0: nobody is told. */
void dlk_ending_judged(struct dlk_courier *courier, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_verdict *verdict, int64_t warn,
    int64_t now);

/* What a configuration stands on: anchors, intermediates, the agent's own certificate and
 * those of the gateways that may come. Zeroed memory has none. */
struct dlk_endings {
	int64_t warn;
	size_t n;
	size_t told; /* so many of them, this time */
	struct {
		int64_t until;
		char fingerprint[DLK_FINGERPRINT_HEX + 1];
		char what[DLK_NAME_MAX + 1];
	} of[DLK_ENDING_MAX];
};
void dlk_endings_read(
    struct dlk_endings *endings, const struct dlk_engine *engine, uid_t owner);
/* Tells of those that end soon or have just ended; the record takes each once a day. False:
 * the rest has to wait. */
bool dlk_endings_tell(struct dlk_endings *endings, struct dlk_courier *courier, int64_t now);

#endif
