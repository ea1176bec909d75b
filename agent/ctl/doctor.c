/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - looks for what silently takes one of the two locks away, or will tomorrow. It
 * changes nothing; each finding says what, why, and what to type.
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/timex.h>

#include "base/clock.h"
#include "base/text.h"

static const char *const words[] = {
	[DOCTOR_NOTE] = "note", [DOCTOR_WARNING] = "warning", [DOCTOR_CRITICAL] = "critical"
};

void
doctor_find(struct doctor *d, enum doctor_severity severity, const char *subject,
    const char *change, const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	if (vsnprintf(what, sizeof(what), format, args) < 0)
		what[0] = '\0';
	va_end(args);
	d->critical += severity == DOCTOR_CRITICAL;
	if (d->json) {
		(void)json_array_append_new(
		    d->list, json_pack("{s:s,s:s,s:s,s:s}", "severity", words[severity],
				 "subject", subject, "what", what, "change", change));
		return;
	}
	printf("%-8s  %s: %s\n", words[severity], subject, what);
	if (change[0])
		printf("          %s\n", change);
}

static void
check_clock(struct doctor *d)
{
	struct timex state = { .modes = 0 };

	if (adjtimex(&state) < 0 || (state.status & STA_UNSYNC))
		doctor_find(d, DOCTOR_WARNING, "clock",
		    "run chrony or systemd-timesyncd: 'timedatectl set-ntp true'",
		    "the kernel's clock is not synchronised; codes and certificates are "
		    "judged by it");
}

static void
check_policy(struct doctor *d)
{
	const struct dlk_policy *policy = dlk_engine_policy(d->engine);
	bool names = policy->rules.n > 0 || policy->n_map > 0;
	char relaxed[128];

	dlk_policy_relaxed(policy, NULL, relaxed, sizeof(relaxed));
	if (relaxed[0])
		doctor_find(d, DOCTOR_WARNING, "policy",
		    "doublelock.conf(5) says what each one gives up",
		    "relaxations are in force: %s", relaxed);
	if (policy->n_services == 0)
		doctor_find(d, DOCTOR_CRITICAL, "policy",
		    "add [service sshd] with certificate = sshd",
		    "there is no [service NAME] section: nobody is let in anywhere");
	for (size_t i = 0; i < policy->n_sets; i++)
		names |= policy->set[i].rules.n > 0;
	if (!names)
		doctor_find(d, DOCTOR_CRITICAL, "policy",
		    "[identity] rule = san-email:%u@example.com",
		    "no rule says whom a certificate names: every certificate is no-identity");
	if (policy->path.any_purpose || policy->path.ssh_purpose ||
	    policy->path.trust_anchors_blindly)
		doctor_find(d, DOCTOR_NOTE, "policy", "",
		    "certificates of other purposes than clientAuth are taken, or anchors are "
		    "not checked");
}

static void
check_all(struct doctor *d)
{
	check_clock(d);
	if (d->engine) {
		check_policy(d);
		doctor_check_trust(d);
		doctor_check_record(d);
		doctor_check_reach(d);
		doctor_check_sshd(d);
		doctor_check_prove(d);
		doctor_check_pam(d);
	}
	if (d->critical == 0)
		doctor_find(d, DOCTOR_NOTE, "doctor", "", "nothing critical was found");
}

/* What the record has refused for good reasons, and the operator knows better. */
static int
accept(struct doctor *d)
{
	struct dlk_record *record = d->engine ? dlk_engine_record(d->engine) : NULL;
	char text[DLK_TIME_TEXT];

	if (!record)
		return ctl_fault("%s", d->engine ? dlk_engine_trouble(d->engine)->detail
						 : "the configuration cannot be used");
	if (d->accept_restore && dlk_record_accept_restore(record) != 0)
		return ctl_fault("%s", dlk_record_trouble(record));
	if (d->accept_clock && dlk_record_accept_clock(record, d->now) != 0)
		return ctl_fault("%s", dlk_record_trouble(record));
	dlk_time_text(d->now, text);
	if (d->accept_clock)
		printf("decisions go on from the time that this machine has: %s\n", text);
	if (d->accept_restore)
		printf("recovery codes and tokens that count are taken again, from where the "
		       "backup left them\n");
	return CTL_YES;
}

static int
examine(struct doctor *d)
{
	struct dlk_finding finding = { 0 };

	if (dlk_engine_open(d->config, DLK_ENGINE_TRUST | DLK_ENGINE_RECORD, ctl_owner(),
		&d->engine, &finding) != 0)
		doctor_find(d, DOCTOR_CRITICAL, "config",
		    "nobody is let in until it is mended; 'doublelock status' shows the same",
		    "%s", finding.detail);
	if (d->accept_clock || d->accept_restore)
		return accept(d);
	check_all(d);
	if (d->json)
		return ctl_print(
		    json_pack("{s:b,s:O}", "good", d->critical == 0, "findings", d->list),
		    d->critical ? CTL_REFUSED : CTL_YES);
	if (fflush(stdout) != 0)
		return CTL_FAULT;
	return d->critical ? CTL_REFUSED : CTL_YES;
}

static void
doctor_fini(struct doctor *d)
{
	dlk_engine_close(d->engine);
	ctl_files_fini(&d->pam);
	dlk_buf_free(&d->sshd);
	json_decref(d->list);
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(doctor_fini))) struct doctor d = {
		.config = DLK_CONFIG_FILE, .list = json_array(), .now = dlk_clock_now()
	};
	const char *config = NULL;
	const struct ctl_option table[] = {
		{ .name = "config", .text = &config },
		{ .name = "sshd-config", .text = &d.sshd_config },
		{ .name = "accept-clock", .flag = &d.accept_clock },
		{ .name = "accept-restore", .flag = &d.accept_restore },
		{ .name = "json", .flag = &d.json },
	};

	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	if (config)
		d.config = config;
	if (!d.accept_clock && !d.accept_restore) {
		doctor_read_pam(&d);
		doctor_read_sshd(&d);
	}
	if (!d.list || ctl_become() != CTL_YES)
		return CTL_FAULT;
	return examine(&d);
}

const struct ctl_subject ctl_doctor = {
	.name = "doctor",
	.run = run,
	.synopsis = "[--config FILE] [--sshd-config FILE] [--json] | --accept-clock | "
		    "--accept-restore",
};
