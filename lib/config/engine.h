/* SPDX-License-Identifier: MIT */
/* engine.h - configuration, trust, CRLs and record opened together; asks the decision. */
#ifndef DLK_CONFIG_ENGINE_H
#define DLK_CONFIG_ENGINE_H

#include "config/settings.h"
#include "core/decide.h"
#include "store/record.h"

enum {
	DLK_ENGINE_TRUST = 1 << 0,  /* anchors, intermediates and CRLs */
	DLK_ENGINE_RECORD = 1 << 1, /* the record and the sealing key; a failure is kept and
				     * refuses what needs them, so that it has its reason */
	DLK_ENGINE_CREATE = 1 << 2, /* with RECORD: make the database; a failure is an error */
};

struct dlk_engine;
/* `owner` besides root may own the files of configuration (tests); 0: root alone. 0, or
 * -errno with words in `finding`. */
int dlk_engine_open(const char *config, unsigned parts, uid_t owner,
    struct dlk_engine **ret_engine, struct dlk_finding *finding);
void dlk_engine_close(struct dlk_engine *engine);
void dlk_engine_cleanup(struct dlk_engine **engine);
#define DLK_AUTO_ENGINE __attribute__((cleanup(dlk_engine_cleanup))) struct dlk_engine

/* Both were opened with TRUST for the same generation: what one has judged the other one knows
 * as well. Before the first decision. */
void dlk_engine_share(struct dlk_engine *engine, const struct dlk_engine *with);

const struct dlk_settings *dlk_engine_settings(const struct dlk_engine *engine);
struct dlk_care dlk_engine_care(
    const struct dlk_engine *engine); /* of configuration's files */
const struct dlk_policy *dlk_engine_policy(const struct dlk_engine *engine);
const struct dlk_ports *dlk_engine_ports(const struct dlk_engine *engine);
struct dlk_record *dlk_engine_record(const struct dlk_engine *engine); /* NULL: see trouble */
/* Why there is no record; reason UNDECIDED where there is one. */
const struct dlk_finding *dlk_engine_trouble(const struct dlk_engine *engine);
const struct dlk_seal *dlk_engine_seal(const struct dlk_engine *engine); /* or NULL */
const struct dlk_trust *dlk_engine_trust(const struct dlk_engine *engine);
const struct dlk_crls *dlk_engine_crls(const struct dlk_engine *engine);

/* Opens the record where it could not be opened before: a daemon that was there first finds
 * what was enrolled afterwards. decide does it by itself. */
void dlk_engine_mend(struct dlk_engine *engine);

/* In three steps (core/decide.h), several of which may be in one transaction: gather, then
 * settle for each of them, then commit, whose answer is for conclude of each. */
struct dlk_decision *dlk_engine_judge(struct dlk_engine *engine,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now);
void dlk_engine_gather(struct dlk_engine *engine);
void dlk_engine_settle(struct dlk_engine *engine, struct dlk_decision *decision);
int dlk_engine_commit(struct dlk_engine *engine);

void dlk_engine_decide(struct dlk_engine *engine, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_verdict *ret_verdict);
/* Writes down where the lists of revocation of those who were judged are, for whoever fetches
 * them, and which keys are of revoked certificates. Apart from the decision, so that nobody's
 * answer waits for it: close does it too. */
void dlk_engine_want(struct dlk_engine *engine, int64_t now);
/* Notes that a session begins or ends (request->session): of root's programs and of gateways
 * in vouch, of services that the configuration names, of accounts that exist. The verdict is
 * never a yes; where it names an event, that is on disk. */
void dlk_engine_note(struct dlk_engine *engine, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_verdict *ret_verdict);
/* The verdict of a configuration that could not be opened: fault-config, nothing recorded. */
void dlk_engine_refuse(const struct dlk_finding *finding, struct dlk_verdict *ret_verdict);

#endif
