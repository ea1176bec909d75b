/* SPDX-License-Identifier: MIT */
/*
 * sshkeys.c - what sshd asks before it believes a key (AuthorizedKeysCommand).
 *
 * Nobody has seen a signature yet, so this offers and never lets anybody in. A refusal is an
 * empty answer and exit 0: sshd logs the whole key where a command fails, so that is kept for
 * faults. Standard error is /dev/null there; faults go to the log of the machine too.
 */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "confine.h"
#include "core/offer.h"
#include "core/sshkey.h"
#include "shown.h"
#include "store/registry.h"

struct ssh_keys {
	const char *config, *service;
	int64_t now;
	struct dlk_engine *engine;
	struct dlk_caller caller;
	char user[DLK_NAME_MAX + 1];
	bool known;
	int end;
};

static void
ssh_keys_fini(struct ssh_keys *k)
{
	dlk_engine_close(k->engine);
}

static int
fill_request(const struct ssh_keys *k, const char *text, struct dlk_request *request)
{
	int r = shown_request(k->user, k->service, text, request);

	request->account_known = k->known;
	return r < 0 ? r : dlk_offer_attempt(request);
}

static void
print_key(struct ssh_keys *k, const struct dlk_verdict *verdict, const char *text)
{
	DLK_AUTO_BUF offer = { 0 };

	if (dlk_offer_line(
		dlk_engine_policy(k->engine), verdict, dlk_bytes_str(text), &offer) != 0 ||
	    !shown_print(dlk_bytes_of(&offer), text))
		k->end = CTL_FAULT;
}

static void
ask(struct ssh_keys *k, const char *text)
{
	DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_NONE };
	struct dlk_verdict verdict = { .reason = DLK_R_FAULT_INTERNAL };

	int r = fill_request(k, text, &request);
	if (r == 0)
		dlk_engine_decide(k->engine, &k->caller, &request, k->now, &verdict);
	else if (r == -EMSGSIZE)
		return; /* longer than any key */
	if (verdict.reason == DLK_R_OK) {
		print_key(k, &verdict, text);
	} else if (ctl_end_of(verdict.reason) == CTL_FAULT) {
		dlk_say(DLK_ERROR, "ssh-keys for '%s': %s: %s", k->user,
		    dlk_reason_str(verdict.reason), verdict.detail);
		k->end = CTL_FAULT;
	}
}

/* No key was named: all that are registered, as an operator wants to see them. */
static void
ask_all(struct ssh_keys *k)
{
	const struct dlk_settings *settings = dlk_engine_settings(k->engine);
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };

	if (dlk_registry_load(settings->certificates, k->user, &care, &certs, &finding) < 0) {
		k->end = ctl_fault("%s", finding.detail);
		return;
	}
	if (settings->ldap.url)
		(void)dlk_registry_load(settings->ldap.cache, k->user, &own, &certs, &finding);
	for (size_t i = 0; i < certs.n; i++) {
		DLK_AUTO_SSHKEY key = { .type = "" };
		DLK_AUTO_BUF text = { 0 };
		if (dlk_sshkey_of_cert(certs.cert[i], &key, NULL) == DLK_R_OK &&
		    dlk_sshkey_text(&key, &text) == 0 &&
		    dlk_buf_add(&text, DLK_EVIDENCE_MAX, DLK_BYTES("", 1)) == 0)
			ask(k, (const char *)text.p);
	}
}

/* Keys come from whoever connects. */
static int
confine(const char *config)
{
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding = { 0 };
	bool landlock;

	(void)dlk_settings_load(
	    config, &care, &settings, &finding); /* said when it is opened */
	int r = dlk_confine(config, settings, DLK_CONFINE_ONCE, &landlock);
	dlk_settings_free(settings);
	if (r < 0)
		dlk_say(
		    DLK_ERROR, "ssh-keys: giving up files and calls: %s", dlk_file_error(r));
	return r;
}

static int
open_engine(struct ssh_keys *k)
{
	const char *config = k->config ? k->config : DLK_CONFIG_FILE;
	struct dlk_finding finding = { 0 };

	if (ctl_become() != CTL_YES || confine(config) < 0)
		return CTL_FAULT;
	if (dlk_engine_open(config, DLK_ENGINE_TRUST | DLK_ENGINE_RECORD, ctl_owner(),
		&k->engine, &finding) == 0)
		return CTL_YES;
	dlk_say(DLK_ERROR, "ssh-keys: %s", finding.detail);
	return CTL_FAULT;
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(ssh_keys_fini))) struct ssh_keys k = { .end = CTL_YES };
	const struct ctl_option table[] = {
		{ .name = "config", .text = &k.config },
		{ .name = "service", .text = &k.service },
	};
	char text[DLK_EVIDENCE_MAX];

	if (!CTL_OPTIONS(call, table, 1, 3))
		return CTL_USAGE;
	if (call->argc == 2 || !dlk_text_is_name(call->argv[0]))
		return ctl_misused(call, "a user, or a user with the type and text of a key");
	if (!isatty(STDERR_FILENO))
		dlk_say_to_syslog("doublelock");
	if (!k.service)
		k.service = "sshd";
	k.now = dlk_clock_now();
	k.caller =
	    (struct dlk_caller){ .entrance = DLK_ENTRANCE_AUTHORIZED_KEYS, .uid = getuid() };
	dlk_text_print(k.caller.name, sizeof(k.caller.name), "uid:%u", (unsigned)getuid());
	if (open_engine(&k) != CTL_YES)
		return CTL_FAULT;
	if (ctl_account(call, call->argv[0], k.user, &k.known) != CTL_YES) {
		dlk_say(DLK_ERROR, "ssh-keys: the account database does not answer");
		return CTL_FAULT;
	}
	if (call->argc == 1) {
		ask_all(&k);
	} else {
		dlk_text_print(text, sizeof(text), "%s %s", call->argv[1], call->argv[2]);
		ask(&k, text);
	}
	return fflush(stdout) == 0 ? k.end : CTL_FAULT;
}

const struct ctl_subject ctl_ssh_keys = {
	.name = "ssh-keys",
	.run = run,
	.synopsis = "[--config FILE] [--service NAME] USER [TYPE KEY]",
};
