/* SPDX-License-Identifier: MIT */
/* ask.h - puts a question to the judge: the helper, or the agent. */
#ifndef DLK_PAM_ASK_H
#define DLK_PAM_ASK_H

#include "model/verdict.h"
#include "options.h"

#ifndef DLK_ASK_MS
#define DLK_ASK_MS 15000 /* for one answer */
#endif

/* One judge for both halves of a login: it stays while the user types the code. */
struct dlk_ask {
	const struct dlk_options *options;
	bool by_helper;
	pid_t pid;                /* of the helper */
	int fd;                   /* -1: nobody is there */
	struct dlk_buf challenge; /* with the last verdict; empty: none */
};
void dlk_ask_end(struct dlk_ask *ask);
#define DLK_AUTO_ASK __attribute__((cleanup(dlk_ask_end))) struct dlk_ask

/* The verdict is complete in every case; where the judge cannot be asked, believed or
 * understood it is a fault with words for the operator. */
void dlk_ask(
    struct dlk_ask *ask, const struct dlk_request *request, struct dlk_verdict *verdict);

#endif
