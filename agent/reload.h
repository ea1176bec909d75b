/* SPDX-License-Identifier: MIT */
/*
 * reload.h - a newer configuration, opened aside and put in force whole or not at all. A
 * thread of its own looks for changed files; SIGHUP asks it to look at once.
 */
#ifndef DLK_AGENT_RELOAD_H
#define DLK_AGENT_RELOAD_H

#include "agent/courier.h"
#include "agent/fetch.h"
#include "agent/mirror.h"
#include "agent/lists.h"
#include "agent/serve.h"

struct dlk_gate;
struct dlk_reload;
struct dlk_reload_plan {
	const char *config;
	uid_t owner;
	struct dlk_serve *serve;
	struct dlk_courier *courier;
	struct dlk_fetch *fetch;
	struct dlk_mirror *mirror; /* NULL: nobody reads a directory */
	struct dlk_gate *gate;     /* NULL: no gateway on another host may come */
};

/* Opens n engines for threads. 0, or -errno and none. */
int dlk_reload_open(const char *config, uid_t owner, size_t n, struct dlk_engine **ret_engine,
    struct dlk_finding *finding);
/* `in_force` is looked at before this returns. 0 or -errno. */
int dlk_reload_new(const struct dlk_reload_plan *plan, const struct dlk_engine *in_force,
    struct dlk_reload **ret_reload);
void dlk_reload_now(struct dlk_reload *reload);
/* True, and why, where a newer configuration was rejected and the one before holds. */
bool dlk_reload_rejected(struct dlk_reload *reload, char *words, size_t size);
/* The lists of revocation in force. */
void dlk_reload_lists(struct dlk_reload *reload, struct dlk_lists *ret_lists);
/* Another number after each change of what is in force. */
unsigned dlk_reload_generation(const struct dlk_reload *reload);
unsigned dlk_reload_rate(const struct dlk_reload *reload);
unsigned dlk_reload_gateway_rate(const struct dlk_reload *reload);
void dlk_reload_free(struct dlk_reload *reload); /* ends the thread; NULL is fine */

#endif
