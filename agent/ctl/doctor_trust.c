/* SPDX-License-Identifier: MIT */
/* doctor_trust.c - what ends soon or has ended: anchors, lists of revocation, certificates. */
#include "doctor.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/export.h"
#include "agent/lists.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/directory.h"
#include "store/events.h"
#include "store/registry.h"

#define DAY        86400
#define ANCHOR_EVE (30 * DAY)
#define CERT_EVE   (14 * DAY)
#define USERS_MAX  4096
#define LDAP_LATE  3   /* refreshes that may be missed */
#define LDAP_EVE   600 /* seconds */

static void
check_anchors(struct doctor *d)
{
	const struct dlk_trust *trust = dlk_engine_trust(d->engine);
	char until[DLK_TIME_TEXT];

	for (size_t i = 0; i < dlk_trust_anchors(trust); i++) {
		const struct dlk_cert *anchor = dlk_trust_anchor_at(trust, i);
		int64_t end = dlk_cert_not_after(anchor);

		dlk_time_text(end, until);
		if (d->now > end)
			doctor_find(d, DOCTOR_CRITICAL, "trust",
			    "put the CA's new certificate into trust.d", "%s has expired (%s)",
			    dlk_cert_label(anchor), until);
		else if (end - d->now < ANCHOR_EVE)
			doctor_find(d, DOCTOR_WARNING, "trust",
			    "put the CA's new certificate beside it into trust.d",
			    "%s expires %s", dlk_cert_label(anchor), until);
	}
}

static void
check_crl(struct doctor *d, size_t i, const struct dlk_crl_about *crl)
{
	int64_t grace = dlk_engine_policy(d->engine)->revocation.grace;
	bool guests = dlk_lists_is_guests(d->engine, i, crl->label);
	char until[DLK_TIME_TEXT];

	dlk_time_text(crl->next_update, until);
	if (guests && d->now > crl->next_update + grace)
		doctor_find(d, DOCTOR_WARNING, "crl",
		    "that CA's to mend; 'doublelock crl refresh' asks for it again",
		    "%s is stale since %s: guests of %s, a CA that their certificates brought "
		    "along, are refused, and nobody else",
		    crl->label, until, crl->issuer);
	else if (guests)
		return; /* its time is nothing that this machine's operator has promised */
	else if (d->now > crl->next_update + grace)
		doctor_find(d, DOCTOR_CRITICAL, "crl",
		    "put the current one into crl.d, or 'doublelock crl refresh'",
		    "%s is stale since %s: certificates of %s are refused", crl->label, until,
		    crl->issuer);
	else if (crl->next_update - d->now < crl->next_update / 4 - crl->this_update / 4)
		doctor_find(d, DOCTOR_WARNING, "crl",
		    "see to it that the next one comes in time",
		    "%s is good until %s only; three quarters of its time are over",
		    crl->label, until);
}

/* Each directory above can be passed through by whoever reads what is exported. */
static bool
is_reachable(const char *path, char *ret_closed)
{
	struct stat st;

	if (!dlk_text_copy(ret_closed, PATH_MAX, path))
		return true;
	for (char *slash; strlen(ret_closed) > 1; *slash = '\0') {
		if (stat(ret_closed, &st) == 0 && !(st.st_mode & S_IXOTH))
			return false;
		slash = strrchr(ret_closed, '/');
		slash += slash == ret_closed;
	}
	return true;
}

static void
check_export(struct doctor *d)
{
	const char *export = dlk_engine_settings(d->engine)->export;
	char path[PATH_MAX], closed[PATH_MAX];

	if (!export || dlk_path_join(path, sizeof(path), export, DLK_EXPORT_LISTS) < 0)
		return;
	if (access(path, R_OK) != 0)
		doctor_find(d, DOCTOR_WARNING, "export",
		    "start doublelockd, or 'doublelock crl refresh' and see what it says",
		    "%s: %s: gateways that read it have no list", path, strerror(errno));
	else if (!is_reachable(export, closed))
		doctor_find(d, DOCTOR_WARNING, "export", "chmod 711 it",
		    "%s keeps others from what is exported below it", closed);
}

static void
check_crls(struct doctor *d)
{
	const struct dlk_crls *crls = dlk_engine_crls(d->engine);
	const struct dlk_policy *policy = dlk_engine_policy(d->engine);

	if (policy->revocation.mode == DLK_REVOCATION_OFF)
		return;
	check_export(d);
	if (dlk_crls_count(crls) == 0 && policy->revocation.mode == DLK_REVOCATION_REQUIRE)
		doctor_find(d, DOCTOR_CRITICAL, "crl", "put the CRL of each CA into crl.d",
		    "there is no CRL, and [revocation] mode=require: every certificate is "
		    "refused");
	for (size_t i = 0; i < dlk_crls_count(crls); i++) {
		struct dlk_crl_about about;

		dlk_crls_describe(crls, i, &about);
		check_crl(d, i, &about);
	}
	for (size_t i = 0; i < dlk_crls_refused(crls); i++) {
		const char *label, *why;

		dlk_crls_refusal(crls, i, &label, &why);
		doctor_find(d, DOCTOR_WARNING, "crl", "put a good copy in its place",
		    "%s cannot be used: %s", label, why);
	}
}

static void
check_user(struct doctor *d, const char *dir, const char *user)
{
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };
	char until[DLK_TIME_TEXT];
	bool good = false;
	int64_t last = INT64_MIN;

	if (dlk_registry_load(dir, user, &care, &certs, &finding) != 0) {
		doctor_find(d, DOCTOR_CRITICAL, "certificates",
		    "files of certs.d belong to root and are not writable by others", "%s",
		    finding.detail);
		return;
	}
	for (size_t i = 0; i < certs.n; i++) {
		int64_t end = dlk_cert_not_after(certs.cert[i]);

		good |= end - d->now >= CERT_EVE;
		last = end > last ? end : last;
	}
	if (certs.n == 0 || good)
		return;
	dlk_time_text(last, until);
	doctor_find(d, DOCTOR_WARNING, "certificates",
	    "have it renewed, and 'doublelock cert add USER FILE'",
	    "the last certificate of '%s' ends %s", user, until);
}

static void
check_certificates(struct doctor *d)
{
	static const char *const any[] = { "", NULL };
	const char *dir = dlk_engine_settings(d->engine)->certificates;
	DLK_AUTO_FD fd = -1;
	char **names = NULL;
	size_t n = 0;

	if (dlk_dir_open(dir, NULL, &fd) != 0 ||
	    dlk_dir_list(fd, any, USERS_MAX, &names, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (dlk_text_is_name(names[i]))
			check_user(d, dir, names[i]);
	dlk_names_free(names, n);
}

/* What was read stays for ever where nobody reads any more, and with it who was removed. */
static void
check_ldap(struct doctor *d)
{
	const struct dlk_settings *settings = dlk_engine_settings(d->engine);
	struct dlk_directory_state state = { 0 };
	char read[DLK_TIME_TEXT] = "never";

	if (!settings->ldap.url)
		return;
	int r = dlk_directory_state_load(settings->ldap.cache, &state);
	if (r == 0 && state.read > 0)
		dlk_time_text(state.read, read);
	if (r < 0 || state.tried + LDAP_LATE * settings->ldap.refresh < d->now - LDAP_EVE)
		doctor_find(d, DOCTOR_WARNING, "ldap", "'systemctl start doublelockd'",
		    "nobody reads %s; what holds is of: %s", settings->ldap.url, read);
	else if (state.error[0])
		doctor_find(d, DOCTOR_WARNING, "ldap",
		    "[certificates] ldap... of doublelock.conf(5)",
		    "%s cannot be read: %s; what holds is of: %s", settings->ldap.url,
		    state.error, read);
}

/* All the way up: who can write to a directory above can put another one in its place. */
static void
check_path(struct doctor *d, const char *path)
{
	int error = dlk_path_check(path, ctl_owner());

	if (error != 0 && error != -ENOENT)
		doctor_find(d, DOCTOR_CRITICAL, "paths",
		    "chown root and chmod go-w, for it and each directory above",
		    "somebody else can change %s: %s", path, dlk_file_error(error));
}

static void
check_paths(struct doctor *d)
{
	const struct dlk_settings *settings = dlk_engine_settings(d->engine);
	const struct dlk_policy *policy = &settings->policy;

	check_path(d, settings->file);
	check_path(d, settings->seal_key);
	check_path(d, settings->certificates);
	check_path(d, DLK_LIBEXECDIR "/doublelock-helper");
	check_path(d, DLK_LIBEXECDIR "/doublelock-prove");
	check_path(d, DLK_LIBEXECDIR "/doublelock-prove-token");
	check_path(d, DLK_LIBEXECDIR "/doublelock-outward");
	check_path(d, DLK_SBINDIR "/doublelock");
	for (size_t i = 0; i < policy->n_sets; i++)
		for (size_t j = 0; j < policy->set[i].n_anchors; j++)
			check_path(d, policy->set[i].anchors[j]);
	for (size_t i = 0; i < settings->crls.n; i++)
		check_path(d, settings->crls.text[i]);
}

void
doctor_check_trust(struct doctor *d)
{
	check_paths(d);
	check_anchors(d);
	check_crls(d);
	check_certificates(d);
	check_ldap(d);
}

static int
note_failing(const struct dlk_delivery *delivery, void *arg)
{
	struct doctor *d = arg;

	if (delivery->attempts == 0)
		return 0;
	doctor_find(d, DOCTOR_WARNING, "webhook",
	    "'doublelock webhook list' shows what waits, 'doublelock webhook test' tries it",
	    "events are not delivered: %s", delivery->error);
	return 1;
}

void
doctor_check_record(struct doctor *d)
{
	const struct dlk_settings *settings = dlk_engine_settings(d->engine);
	struct dlk_record *record = dlk_engine_record(d->engine);
	int64_t row = 0;

	if (!record) {
		doctor_find(d, DOCTOR_CRITICAL, "record",
		    "'doublelock init' makes what is missing", "%s",
		    dlk_engine_trouble(d->engine)->detail);
		return;
	}
	if (dlk_record_probe(record) != 0)
		doctor_find(d, DOCTOR_CRITICAL, "record",
		    "nobody is let in until it can be written", "%s",
		    dlk_record_trouble(record));
	if (dlk_record_is_restored(record))
		doctor_find(d, DOCTOR_CRITICAL, "record",
		    "give out new recovery codes, compare the chain of events with what the "
		    "webhook's receiver has, then 'doublelock doctor --accept-restore'",
		    "it came back from a backup: which codes were used since then is not "
		    "known, so recovery codes and tokens that count are not taken");
	if (dlk_events_verify(record, &row) != 0)
		doctor_find(d, DOCTOR_CRITICAL, "record",
		    "compare with what the webhook's receiver has: its events carry the chain",
		    "the chain of events is broken at row %lld: somebody has changed the "
		    "record",
		    (long long)row);
	if (settings->webhook.url)
		(void)dlk_outbox_each(record, note_failing, d);
}
