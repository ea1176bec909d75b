/* SPDX-License-Identifier: MIT */
/*
 * verify.c - the full judgement of a certificate, offline, by the code that judges logins.
 *
 * Files are read first, with the rights of whoever asks; then those are given up, and only
 * then anything is taken apart. It asks for no code and changes nothing.
 */
#include "grounds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/remote.h"
#include "core/judge.h"
#include "core/section.h"
#include "store/binding.h"

#define CERT_FILE_MAX  (1024 * 1024)
#define TRUST_FILE_MAX (64 * 1024 * 1024)
#define CRL_FILE_MAX   (256 * 1024 * 1024)
#define CHAIN_CERTS    16 /* that come in the certificate's own file */

struct verify {
	const char *config, *at, *revocation, *user, *service;
	struct ctl_texts trust, intermediates, crl;
	bool json, check;
	int64_t now;
	int mode; /* of revocation; -1: as configured */
	struct ctl_files cert_file, trust_files, intermediate_files, crl_files;
	struct ctl_grounds grounds;
	struct dlk_certs certs; /* [0] is the one, the others are presented with it */
	struct dlk_finding finding;
	struct dlk_verdict verdict;
};

static void
verify_fini(struct verify *v)
{
	ctl_files_fini(&v->cert_file);
	ctl_files_fini(&v->trust_files);
	ctl_files_fini(&v->intermediate_files);
	ctl_files_fini(&v->crl_files);
	ctl_grounds_fini(&v->grounds);
	dlk_certs_fini(&v->certs);
}

static bool
read_mode(struct ctl_call *call, struct verify *v)
{
	static const char *const modes[] = { "require", "prefer", "off" };
	static const enum dlk_revocation_mode values[] = { DLK_REVOCATION_REQUIRE,
		DLK_REVOCATION_PREFER, DLK_REVOCATION_OFF };

	v->mode = -1;
	if (!v->revocation)
		return true;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(v->revocation, modes[i]) == 0)
			v->mode = (int)values[i];
	if (v->mode < 0)
		(void)ctl_misused(call, "--revocation: require, prefer or off");
	return v->mode >= 0;
}

static bool
read_options(struct ctl_call *call, struct verify *v)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &v->config },
		{ .name = "trust", .texts = &v->trust },
		{ .name = "intermediates", .texts = &v->intermediates },
		{ .name = "crl", .texts = &v->crl },
		{ .name = "at", .text = &v->at },
		{ .name = "revocation", .text = &v->revocation },
		{ .name = "user", .text = &v->user },
		{ .name = "service", .text = &v->service },
		{ .name = "json", .flag = &v->json },
		{ .name = "check-config", .flag = &v->check },
	};

	if (!CTL_OPTIONS(call, table, 0, 1) || !read_mode(call, v))
		return false;
	v->now = dlk_clock_now();
	if (v->at && dlk_time_parse(v->at, &v->now) != 0)
		(void)ctl_misused(call, "--at: unix seconds or an RFC 3339 time is asked for");
	else if (v->trust.n > 0 && (v->config || v->check))
		(void)ctl_misused(call, "with --trust no configuration is read");
	else if (call->argc == (v->check ? 1 : 0))
		(void)ctl_misused(call, "one certificate is asked for, or --check-config");
	else if ((v->user && !dlk_text_is_name(v->user)) ||
		 (v->service && !dlk_text_is_name(v->service)))
		(void)ctl_misused(call, "a name is printable and has no spaces");
	else
		return true;
	return false;
}

static int
read_paths(struct ctl_files *files, const struct ctl_texts *paths, const char *const *suffixes,
    size_t most)
{
	for (size_t i = 0; i < paths->n; i++)
		if (ctl_files_read(files, paths->text[i], suffixes, most) < 0)
			return -ENOMEM;
	return 0;
}

static enum dlk_reason
read_files(struct verify *v, const char *path)
{
	if (ctl_files_read(&v->cert_file, path, NULL, CERT_FILE_MAX) == 0 &&
	    read_paths(&v->trust_files, &v->trust, ctl_cert_suffixes, TRUST_FILE_MAX) == 0 &&
	    read_paths(&v->intermediate_files, &v->intermediates, ctl_cert_suffixes,
		TRUST_FILE_MAX) == 0 &&
	    read_paths(&v->crl_files, &v->crl, ctl_crl_suffixes, CRL_FILE_MAX) == 0)
		return DLK_R_OK;
	return dlk_find(&v->finding, DLK_STAGE_NONE, DLK_R_FAULT_INTERNAL, "out of memory");
}

/* With a configuration, further intermediates are as if they came with the certificate. */
static enum dlk_reason
parse_certs(struct verify *v)
{
	size_t left_out = 0;
	enum dlk_reason reason =
	    ctl_certs_presented(&v->cert_file.file[0], CHAIN_CERTS, &v->certs, &v->finding);

	if (reason == DLK_R_OK)
		dlk_cert_describe(v->certs.cert[0], &v->verdict);
	for (size_t i = 0; v->grounds.engine && i < v->intermediate_files.n; i++) {
		if (reason == DLK_R_OK)
			reason = ctl_certs_known(
			    &v->intermediate_files.file[i], &v->certs, &left_out, &v->finding);
	}
	return reason;
}

/* Whose rules of identity hold. Offline the account need not exist on this machine. */
static enum dlk_reason
find_section(struct verify *v, const struct dlk_ports *ports, const struct dlk_service **ret)
{
	static const struct dlk_service anywhere = { .names_only = true };
	const struct dlk_service *base = NULL;

	*ret = v->grounds.engine ? NULL : &anywhere;
	if (!v->grounds.engine || !v->service)
		return DLK_R_OK;
	base = dlk_policy_service(v->grounds.policy, v->service);
	if (!base)
		return dlk_find(&v->finding, DLK_STAGE_ADMIT, DLK_R_UNKNOWN_SERVICE,
		    "there is no section [service %s]", v->service);
	*ret = base;
	return v->user ? dlk_section_find(
			     v->grounds.policy, base, ports, v->user, NULL, ret, &v->finding)
		       : DLK_R_OK;
}

static enum dlk_reason
judge(struct verify *v)
{
	struct dlk_binding binding = { 0 };
	const struct dlk_ports ports =
	    dlk_binding_ports(&binding, v->grounds.trust, v->grounds.crls);
	const struct dlk_certs presented = { .cert = v->certs.cert + 1, .n = v->certs.n - 1 };
	const struct dlk_service *section = NULL;
	struct dlk_judgement judgement = { 0 };

	enum dlk_reason reason = find_section(v, &ports, &section);
	if (reason == DLK_R_OK)
		reason = dlk_judge(v->grounds.policy, section, &ports, v->certs.cert[0],
		    &presented, v->grounds.engine || v->user, v->now, &judgement, &v->finding);
	if (reason != DLK_R_OK)
		return reason;
	v->verdict.good_until = judgement.good_until;
	(void)dlk_text_copy(v->verdict.user, sizeof(v->verdict.user), judgement.account.name);
	if (!v->user || strcmp(v->user, judgement.account.name) == 0)
		return DLK_R_OK;
	return dlk_find(&v->finding, DLK_STAGE_MAP, DLK_R_USER_MISMATCH,
	    "%s names '%s', not '%s'", dlk_cert_label(v->certs.cert[0]),
	    judgement.account.name, v->user);
}

/* What it is judged by comes first: without that, nothing can be said of a certificate. */
static enum dlk_reason
verify(struct verify *v, const char *path)
{
	enum dlk_reason reason = read_files(v, path);

	if (reason != DLK_R_OK)
		return reason;
	if (ctl_become_nobody() != CTL_YES)
		return dlk_find(&v->finding, DLK_STAGE_NONE, DLK_R_FAULT_INTERNAL,
		    "privileges could not be given up");
	reason = v->trust.n > 0 ? ctl_grounds_of_files(&v->grounds, &v->trust_files,
				      &v->intermediate_files, &v->crl_files, &v->finding)
				: ctl_grounds_of_config(
				      &v->grounds, v->config, &v->crl_files, &v->finding);
	if (reason != DLK_R_OK)
		return reason;
	if (v->mode >= 0)
		ctl_grounds_revocation(&v->grounds, (enum dlk_revocation_mode)v->mode);
	reason = parse_certs(v);
	return reason == DLK_R_OK ? judge(v) : reason;
}

/* What only the agent reads, and reads at its start: a private key stays unread here. */
static enum dlk_reason
check_agent(struct verify *v)
{
	const struct dlk_settings *s = dlk_engine_settings(v->grounds.engine);
	const struct dlk_care care = dlk_engine_care(v->grounds.engine);
	const char *const files[] = { s->tls.certificate, s->tls.key, s->webhook.secret_file,
		s->webhook.ca, s->webhook.certificate, s->webhook.key };
	struct dlk_clients *clients = NULL;

	if (dlk_remote_load(s, &care, &clients, &v->finding) < 0)
		return v->finding.reason;
	dlk_clients_free(clients);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] && access(files[i], F_OK) < 0)
			return dlk_find(&v->finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
			    "%.300s: %s", files[i], dlk_file_error(errno));
	return DLK_R_OK;
}

static int
check_config(struct verify *v)
{
	const struct ctl_files none = { 0 };

	if (ctl_become_nobody() != CTL_YES)
		return CTL_FAULT;
	enum dlk_reason reason =
	    ctl_grounds_of_config(&v->grounds, v->config, &none, &v->finding);
	if (reason == DLK_R_OK)
		reason = check_agent(v);
	bool good = reason == DLK_R_OK;
	if (v->json)
		return ctl_print(
		    json_pack("{s:b,s:s}", "ok", good, "detail", v->finding.detail),
		    good ? CTL_YES : CTL_FAULT);
	if (!good)
		return ctl_fault("%s", v->finding.detail);
	return puts("ok") == EOF || fflush(stdout) != 0 ? CTL_FAULT : CTL_YES;
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(verify_fini))) struct verify v = { 0 };
	char relaxed[128] = "";

	if (!read_options(call, &v))
		return CTL_USAGE;
	if (v.check)
		return check_config(&v);
	enum dlk_reason reason = verify(&v, call->argv[0]);
	v.verdict.reason = reason;
	if (reason != DLK_R_OK) {
		v.verdict.stage = v.finding.stage;
		(void)dlk_text_copy(
		    v.verdict.detail, sizeof(v.verdict.detail), v.finding.detail);
	}
	if (v.grounds.policy)
		dlk_policy_relaxed(v.grounds.policy, NULL, relaxed, sizeof(relaxed));
	return ctl_print_verdict(&v.verdict, relaxed, v.json);
}

const struct ctl_subject ctl_verify = {
	.name = "verify",
	.run = run,
	.synopsis =
	    "[--config FILE] [--trust PATH]... [--intermediates PATH]... [--crl PATH]...\n"
	    "         [--at TIME] [--revocation require|prefer|off] [--user NAME]\n"
	    "         [--service NAME] [--json] CERT\n"
	    "         [--config FILE] [--json] --check-config",
};
