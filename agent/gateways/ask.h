/* SPDX-License-Identifier: MIT */
/* ask.h - the questions that `doublelock-ask` can put, one for each kind of gateway. */
#ifndef DLK_AGENT_GATEWAYS_ASK_H
#define DLK_AGENT_GATEWAYS_ASK_H

#include "inquiry.h"

#define DLK_ASK_GATEWAY_MS 5000 /* OpenVPN and Apache stand still as long as this */

struct dlk_ask_options {
	const char *agent, *service, *user;
	bool code_follows;
};

/* Takes the words behind its name; true is yes. What speaks against it was said on standard
 * error. */
struct dlk_ask_question {
	const char *name, *service, *arguments;
	int least, most; /* arguments */
	bool (*ask)(const struct dlk_ask_options *options, int argc, char **argv);
};
bool dlk_ask_openvpn_verify(const struct dlk_ask_options *options, int argc, char **argv);
bool dlk_ask_openvpn_auth(const struct dlk_ask_options *options, int argc, char **argv);
bool dlk_ask_radius_verify(const struct dlk_ask_options *options, int argc, char **argv);
bool dlk_ask_map(const struct dlk_ask_options *options, int argc, char **argv);

/* Asks the agent, and says why not. */
bool dlk_ask_agent(const struct dlk_ask_options *options, const struct dlk_request *request,
    struct dlk_verdict *ret_verdict);
/* The certificate in a file of the gateway's. */
int dlk_ask_read(const char *path, struct dlk_request *request);
bool dlk_ask_no(const char *what, int error); /* says it; false */

#endif
