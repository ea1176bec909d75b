/* SPDX-License-Identifier: MIT */
/*
 * openvpn_login.h - one login of an OpenVPN client, from OpenVPN's question to its answer. The
 * agent is asked in a thread; all calls here are OpenVPN's own thread's.
 */
#ifndef DLK_AGENT_GATEWAYS_OPENVPN_LOGIN_H
#define DLK_AGENT_GATEWAYS_OPENVPN_LOGIN_H

#include <pthread.h>

#include "inquiry.h"
#include "openvpn_line.h"
#include "openvpn_pool.h"

#define DLK_LOGIN_MS       10000 /* for one answer of the agent */
#define DLK_LOGIN_QUICK_MS 8     /* that OpenVPN's thread waits for a quick one */
#define DLK_LOGIN_SLOW_MS  10000 /* after one that was not quick, nobody waits for so long, */
#define DLK_LOGIN_REST_MS  500   /* or, once it has come, for so long */
#define DLK_LOGIN_CODE_S   120   /* for the user to type the code */
#define DLK_STATES         64    /* dynamic challenges that are open */

/* A dynamic challenge: the client comes back in another handshake with its state. */
struct dlk_state {
	uint8_t attempt[DLK_ATTEMPT_SIZE];
	struct dlk_buf certificate;
};

/* What all logins have in common. */
struct dlk_entry {
	const char *agent, *prompt;
	uid_t uid; /* the agent's */
	struct dlk_pool *pool;
	struct dlk_line *line;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	int64_t slow_until; /* monotonic ms */
	struct dlk_state state[DLK_STATES];
	size_t next_state;
	char said[8][512]; /* by threads, which may not call OpenVPN */
	size_t n_said;
};

/* What OpenVPN says beside the request. */
struct dlk_asked {
	const char *control, *pending, *reason; /* files, in a directory of OpenVPN's */
	const char *state;                      /* of a dynamic challenge; "" */
	bool crtext;                            /* the client can be asked while it waits */
	bool named;                             /* it sends names and passwords */
};

enum dlk_outcome { DLK_OUTCOME_NO = 0, DLK_OUTCOME_YES, DLK_OUTCOME_LATER };

struct dlk_login;
/* Takes what is in the request. LATER: the answer will be in the control file, and the login
 * is in *ret_login; else it is NULL. */
enum dlk_outcome dlk_login_begin(struct dlk_entry *entry, struct dlk_request *request,
    const struct dlk_asked *asked, struct dlk_login **ret_login, struct dlk_verdict *verdict);
/* The code that the client was asked for. */
void dlk_login_answer(struct dlk_login *login, const struct dlk_secret *code);
/* It was allowed, later: true, and the verdict, as often as it is asked. */
bool dlk_login_allowed(struct dlk_login *login, struct dlk_verdict *ret_verdict);
/* Whoever wanted to know is gone. NULL is fine. */
void dlk_login_drop(struct dlk_login *login);
/* Tells the agent of a session, without waiting. Takes what is in the request. */
void dlk_login_note(struct dlk_entry *entry, struct dlk_request *request);

#endif
