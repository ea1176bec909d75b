/* SPDX-License-Identifier: MIT */
/* engine.c - opens what a configuration names, in one order for every program. */
#include "config/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "core/known.h"
#include "store/anchors.h"
#include "store/binding.h"
#include "store/session.h"

struct dlk_engine {
	struct dlk_settings *settings;
	unsigned parts;
	struct dlk_care care;
	struct dlk_trust *trust;
	struct dlk_crls *crls;
	struct dlk_known *known; /* judged by just these */
	struct dlk_seal *seal;
	struct dlk_record *record;
	bool gathers; /* its record does */
	struct dlk_binding binding;
	/* of what was judged, until it is written down */
	struct dlk_wants wants;
	struct dlk_keystates states;
	struct dlk_ports ports;
};

static int
load_set(struct dlk_engine *e, unsigned set, struct dlk_finding *finding)
{
	const struct dlk_trust_set *s = &e->settings->policy.set[set];

	for (size_t i = 0; i < s->n_anchors; i++) {
		int error = dlk_anchors_load(s->anchors[i], set, &e->care, e->trust, finding);

		/* with named sets alone, trust.d beside the configuration need not be there */
		if (error == -ENOENT && set == 0 && s->n_anchors == 1 &&
		    e->settings->policy.n_sets > 1)
			continue;
		if (error != 0)
			return error;
	}
	return 0;
}

static int
load_trust(struct dlk_engine *e, struct dlk_finding *finding)
{
	const struct dlk_settings *s = e->settings;
	int error = dlk_trust_new(&e->trust);

	for (unsigned set = 0; set < s->policy.n_sets && error == 0; set++)
		error = load_set(e, set, finding);
	for (size_t i = 0; i < s->intermediates.n && error == 0; i++) {
		error = dlk_intermediates_load(
		    s->intermediates.text[i], &e->care, e->trust, finding);
		if (error == -ENOENT && !s->intermediates_given)
			error = 0;
	}
	return error;
}

/* What was fetched belongs to the judge's user. A directory that is no use takes nobody's
 * login away; whom another list does not cover is refused, as with any list that is damaged.
 */
static int
load_fetched(struct dlk_engine *e)
{
	const struct dlk_settings *s = e->settings;
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	struct dlk_finding finding = { 0 };

	if (!s->crl_fetch && s->crl_urls.n == 0)
		return 0;
	if (access(s->index, F_OK) < 0 && errno == ENOENT)
		return 0;
	int error = dlk_crls_load(s->index, s->index, &own, e->crls, &finding);
	if (error == 0 || error == -ENOMEM)
		return error;
	dlk_say(DLK_WARNING, "%s; left out", finding.detail);
	return dlk_crls_refuse(e->crls, s->index, finding.detail);
}

static int
load_crls(struct dlk_engine *e, struct dlk_finding *finding)
{
	const struct dlk_settings *s = e->settings;
	int error = dlk_crls_new(&e->crls);

	if (s->policy.revocation.mode == DLK_REVOCATION_OFF)
		return error;
	for (size_t i = 0; i < s->crls.n && error == 0; i++) {
		error = dlk_crls_load(s->crls.text[i], s->index, &e->care, e->crls, finding);
		/* no list at all is what the mode decides about: require refuses */
		if (error == -ENOENT && !s->crls_given)
			error = 0;
	}
	return error == 0 ? load_fetched(e) : error;
}

/* The sealing key belongs to the judge's user as well: root or it may own the file. */
static int
open_record(struct dlk_engine *e, unsigned parts, struct dlk_finding *trouble)
{
	struct dlk_care care = e->care;
	int error;

	care.secret = true;
	dlk_seal_free(e->seal);
	e->seal = NULL;
	error = dlk_seal_load(e->settings->seal_key, &care, &e->seal);
	if (error != 0) {
		dlk_find(trouble, DLK_STAGE_SETTLE, DLK_R_FAULT_CONFIG,
		    "%.300s: %s; 'doublelock seal init' makes a sealing key",
		    e->settings->seal_key,
		    error == -EBADMSG ? "a line is not ID:BASE64 of a key"
				      : dlk_file_error(error));
		return -ENOKEY;
	}
	return parts & DLK_ENGINE_CREATE
		   ? dlk_record_create(e->settings->store, e->seal, &e->record, trouble)
		   : dlk_record_open(e->settings->store, e->seal, &e->record, trouble);
}

static int
open_parts(struct dlk_engine *e, unsigned parts, struct dlk_finding *finding)
{
	int error = 0;

	if (parts & DLK_ENGINE_TRUST)
		error = load_trust(e, finding);
	if (error == 0 && (parts & DLK_ENGINE_TRUST))
		error = load_crls(e, finding);
	if (error == 0 && (parts & DLK_ENGINE_TRUST))
		error = dlk_known_new(&e->known);
	if (error != 0 || !(parts & DLK_ENGINE_RECORD))
		return error;
	e->binding.error = open_record(e, parts, &e->binding.trouble);
	if (e->binding.error != 0 && (parts & DLK_ENGINE_CREATE)) {
		*finding = e->binding.trouble;
		return e->binding.error;
	}
	return 0;
}

int
dlk_engine_open(const char *config, unsigned parts, uid_t owner,
    struct dlk_engine **ret_engine, struct dlk_finding *finding)
{
	struct dlk_engine *e = calloc(1, sizeof(*e));
	int error = -ENOMEM;

	*finding = (struct dlk_finding){ 0 };
	if (e) {
		e->care = (struct dlk_care){ .owned = true, .owner = owner };
		error = dlk_settings_load(config, &e->care, &e->settings, finding);
	}
	assert(error != 0 || e->settings);
	if (error == 0) {
		e->parts = parts;
		error = open_parts(e, parts, finding);
	}
	if (error != 0) {
		if (finding->reason == DLK_R_UNDECIDED)
			dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%.300s: %s",
			    config, dlk_file_error(error));
		dlk_engine_close(e);
		return error;
	}
	e->binding.record = e->record;
	e->binding.certs = e->settings->certificates;
	e->binding.cache = e->settings->ldap.url ? e->settings->ldap.cache : NULL;
	e->binding.care = e->care;
	if (e->settings->crl_fetch &&
	    e->settings->policy.revocation.mode != DLK_REVOCATION_OFF)
		e->binding.wants = &e->wants;
	if (e->settings->export && e->settings->policy.revocation.mode != DLK_REVOCATION_OFF)
		e->binding.states = &e->states;
	e->ports = dlk_binding_ports(&e->binding, e->trust, e->crls);
	e->ports.known = e->known;
	*ret_engine = e;
	return 0;
}

void
dlk_engine_close(struct dlk_engine *engine)
{
	if (!engine)
		return;
	dlk_engine_want(engine, dlk_clock_now());
	dlk_record_close(engine->record);
	dlk_seal_free(engine->seal);
	dlk_known_free(engine->known);
	dlk_crls_free(engine->crls);
	dlk_trust_free(engine->trust);
	dlk_settings_free(engine->settings);
	free(engine);
}

void
dlk_engine_cleanup(struct dlk_engine **engine)
{
	dlk_engine_close(*engine);
}

void
dlk_engine_share(struct dlk_engine *engine, const struct dlk_engine *with)
{
	dlk_known_free(engine->known);
	engine->known = dlk_known_ref(with->known);
	engine->ports.known = engine->known;
}

const struct dlk_settings *
dlk_engine_settings(const struct dlk_engine *engine)
{
	return engine->settings;
}

struct dlk_care
dlk_engine_care(const struct dlk_engine *engine)
{
	return engine->care;
}

const struct dlk_policy *
dlk_engine_policy(const struct dlk_engine *engine)
{
	return &engine->settings->policy;
}

const struct dlk_ports *
dlk_engine_ports(const struct dlk_engine *engine)
{
	return &engine->ports;
}

struct dlk_record *
dlk_engine_record(const struct dlk_engine *engine)
{
	return engine->record;
}

const struct dlk_finding *
dlk_engine_trouble(const struct dlk_engine *engine)
{
	return &engine->binding.trouble;
}

const struct dlk_seal *
dlk_engine_seal(const struct dlk_engine *engine)
{
	return engine->seal;
}

const struct dlk_trust *
dlk_engine_trust(const struct dlk_engine *engine)
{
	return engine->trust;
}

const struct dlk_crls *
dlk_engine_crls(const struct dlk_engine *engine)
{
	return engine->crls;
}

void
dlk_engine_mend(struct dlk_engine *engine)
{
	struct dlk_binding *binding = &engine->binding;

	if (engine->record || !(engine->parts & DLK_ENGINE_RECORD))
		return;
	memset(&binding->trouble, 0, sizeof(binding->trouble));
	binding->error = open_record(engine, engine->parts, &binding->trouble);
	binding->record = engine->record;
}

struct dlk_decision *
dlk_engine_judge(struct dlk_engine *engine, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now)
{
	engine->binding.words[0] = '\0';
	dlk_engine_mend(engine);
	return dlk_decision_new(
	    dlk_engine_policy(engine), &engine->ports, caller, request, now);
}

void
dlk_engine_gather(struct dlk_engine *engine)
{
	engine->gathers = engine->record != NULL;
	if (engine->gathers)
		dlk_record_gather(engine->record);
}

void
dlk_engine_settle(struct dlk_engine *engine, struct dlk_decision *decision)
{
	engine->binding.words[0] = '\0';
	dlk_decision_settle(decision);
}

/* Without a record nothing was settled either. */
int
dlk_engine_commit(struct dlk_engine *engine)
{
	int r = engine->gathers ? dlk_record_commit(engine->record) : 0;

	engine->gathers = false;

	if (r < 0)
		(void)dlk_text_copy(engine->binding.words, sizeof(engine->binding.words),
		    dlk_record_trouble(engine->record));
	return r;
}

void
dlk_engine_decide(struct dlk_engine *engine, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_verdict *ret_verdict)
{
	engine->binding.words[0] = '\0';
	dlk_engine_mend(engine);
	dlk_decide(
	    dlk_engine_policy(engine), &engine->ports, caller, request, now, ret_verdict);
}

void
dlk_engine_want(struct dlk_engine *engine, int64_t now)
{
	/* what cannot be written now is wanted by the next login again */
	if (engine->record && engine->wants.n > 0)
		(void)dlk_wanted_note(engine->record, &engine->wants, now);
	dlk_wants_fini(&engine->wants);
	if (engine->record && engine->states.n > 0)
		(void)dlk_keystates_note(engine->record, &engine->states, now);
	dlk_keystates_fini(&engine->states);
}

/* Root's programs by PAM, and who may vouch for logins. */
static bool
may_tell(const struct dlk_caller *caller, const struct dlk_service *service)
{
	if (caller->entrance == DLK_ENTRANCE_GATEWAY)
		return service->certificate == DLK_CERTIFICATE_GATEWAY &&
		       (caller->root || dlk_peers_hold(&service->vouch, caller));
	return caller->entrance == DLK_ENTRANCE_PAM && caller->root;
}

static enum dlk_reason
note(struct dlk_engine *e, const struct dlk_caller *caller, const struct dlk_request *request,
    int64_t now, char *ret_event, struct dlk_finding *finding)
{
	const struct dlk_service *service =
	    dlk_policy_service(dlk_engine_policy(e), request->service);

	if (!service || (!request->account_known && !service->names_only))
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "there is no section [service %s]", request->service);
	if (!may_tell(caller, service))
		return dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_POSSESSION_UNPROVEN,
		    "sessions are noted for root's programs and for gateways in vouch alone");
	if (!e->record)
		return dlk_find(finding, DLK_STAGE_SETTLE, DLK_R_FAULT_STORE, "%s",
		    e->binding.trouble.detail);
	if (dlk_session_note(e->record, caller, request, now, ret_event) != 0)
		return dlk_find(finding, DLK_STAGE_SETTLE, DLK_R_FAULT_STORE, "%s",
		    dlk_record_trouble(e->record));
	return DLK_R_UNDECIDED;
}

void
dlk_engine_note(struct dlk_engine *engine, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_verdict *ret_verdict)
{
	struct dlk_finding finding = { 0 };

	memset(ret_verdict, 0, sizeof(*ret_verdict));
	dlk_engine_mend(engine);
	ret_verdict->reason = note(engine, caller, request, now, ret_verdict->event, &finding);
	ret_verdict->stage = finding.stage;
	dlk_text_copy(ret_verdict->detail, sizeof(ret_verdict->detail), finding.detail);
}

void
dlk_engine_refuse(const struct dlk_finding *finding, struct dlk_verdict *ret_verdict)
{
	memset(ret_verdict, 0, sizeof(*ret_verdict));
	ret_verdict->reason = DLK_R_FAULT_CONFIG;
	ret_verdict->stage = finding->stage;
	dlk_text_copy(ret_verdict->detail, sizeof(ret_verdict->detail), finding->detail);
}
