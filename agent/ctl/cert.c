/* SPDX-License-Identifier: MIT */
/*
 * cert.c - the certificates that are registered for sshd: add, list, remove.
 *
 * certs.d is root's. A certificate is taken apart by a process without rights; root writes
 * the octets that come back under the user's name, and nowhere else.
 */
#include "grounds.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/judge.h"
#include "core/sshkey.h"
#include "store/binding.h"
#include "store/registry.h"

#define CERT_FILE_MAX (1024 * 1024)
#define USERS_MAX     1000000

struct cert {
	const char *config;
	bool json;
	char user[DLK_NAME_MAX + 1];
	bool known;
	const char *fingerprint; /* to remove */
	struct ctl_files files;  /* to add */
	struct dlk_settings *settings;
	struct dlk_care care;
	json_t *listed;
	size_t n;
};

static void
cert_fini(struct cert *c)
{
	ctl_files_fini(&c->files);
	dlk_settings_free(c->settings);
	json_decref(c->listed);
}

static int
read_options(struct ctl_call *call, struct cert *c, int least, int most)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &c->config },
		{ .name = "json", .flag = &c->json },
	};

	if (!CTL_OPTIONS(call, table, least, most))
		return CTL_USAGE;
	return call->argc > 0 ? ctl_account(call, call->argv[0], c->user, &c->known) : CTL_YES;
}

static int
load_settings(struct cert *c)
{
	struct dlk_finding finding = { 0 };

	c->care = (struct dlk_care){ .owned = true, .owner = ctl_owner() };
	if (dlk_settings_load(
		c->config ? c->config : DLK_CONFIG_FILE, &c->care, &c->settings, &finding) < 0)
		return ctl_fault("%s", finding.detail);
	return CTL_YES;
}

/* ---- add ---- */

/* Not a condition: a certificate may be registered before its CRL is here. */
static void
foretell(const struct cert *c, const struct dlk_certs *certs)
{
	__attribute__((cleanup(ctl_grounds_fini))) struct ctl_grounds grounds = { 0 };
	const struct ctl_files none = { 0 };
	const struct dlk_certs presented = { .cert = certs->cert + 1, .n = certs->n - 1 };
	struct dlk_binding binding = { 0 };
	struct dlk_judgement judgement = { 0 };
	struct dlk_finding finding = { 0 };

	enum dlk_reason reason = ctl_grounds_of_config(&grounds, c->config, &none, &finding);
	if (reason == DLK_R_OK) {
		struct dlk_ports ports =
		    dlk_binding_ports(&binding, grounds.trust, grounds.crls);
		reason = dlk_judge(grounds.policy, NULL, &ports, certs->cert[0], &presented,
		    true, dlk_clock_now(), &judgement, &finding);
	}
	if (reason == DLK_R_OK && strcmp(judgement.account.name, c->user) != 0)
		reason = dlk_find(&finding, DLK_STAGE_MAP, DLK_R_USER_MISMATCH,
		    "it names '%s'", judgement.account.name);
	if (reason != DLK_R_OK)
		fprintf(stderr,
		    "doublelock: note: a login with it would be refused now: %s: %s\n",
		    dlk_reason_str(reason), finding.detail);
}

/* The fingerprint's 64 digits, then the DER. */
static int
read_apart(void *arg, struct dlk_buf *result)
{
	struct cert *c = arg;
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_SSHKEY key = { .type = "" };

	enum dlk_reason reason = ctl_certs_presented(&c->files.file[0], 16, &certs, &finding);
	if (reason == DLK_R_OK)
		reason = dlk_sshkey_of_cert(certs.cert[0], &key, &finding);
	if (reason == DLK_R_FAULT_CONFIG) /* the file, with its name */
		return ctl_fault("%s", finding.detail);
	if (reason != DLK_R_OK)
		return ctl_refuse("%s: %s", dlk_reason_str(reason), finding.detail);
	foretell(c, &certs);
	int r = dlk_buf_add(result, DLK_CERT_MAX + DLK_FINGERPRINT_HEX,
	    dlk_bytes_str(dlk_cert_fingerprint_text(certs.cert[0])));
	if (r == 0)
		r = dlk_buf_add(
		    result, DLK_CERT_MAX + DLK_FINGERPRINT_HEX, dlk_cert_der(certs.cert[0]));
	return r < 0 ? ctl_fault("%s", dlk_file_error(r)) : CTL_YES;
}

static int
report_change(const struct cert *c, const char *what, const char *fingerprint)
{
	if (c->json)
		return ctl_print(json_pack("{s:s,s:s,s:s}", "user", c->user, "fingerprint",
				     fingerprint, "result", what),
		    CTL_YES);
	return printf("%s %s for %s\n", what, fingerprint, c->user) < 0 ? CTL_FAULT : CTL_YES;
}

static int
write_cert(const struct cert *c, const struct dlk_buf *result)
{
	char fingerprint[DLK_FINGERPRINT_HEX + 1] = "";

	if (result->n <= DLK_FINGERPRINT_HEX)
		return ctl_fault("no certificate came back");
	memcpy(fingerprint, result->p, DLK_FINGERPRINT_HEX);
	int r = dlk_registry_put(c->settings->certificates, c->user, fingerprint,
	    DLK_BYTES(result->p + DLK_FINGERPRINT_HEX, result->n - DLK_FINGERPRINT_HEX));
	if (r == -EEXIST)
		return report_change(c, "already registered", fingerprint);
	if (r < 0)
		return ctl_fault("%s/%s: %s%s", c->settings->certificates, c->user,
		    dlk_file_error(r), r == -EACCES ? "; registering is root's" : "");
	return report_change(c, "registered", fingerprint);
}

static int
add(struct ctl_call *call)
{
	__attribute__((cleanup(cert_fini))) struct cert c = { .n = 0 };
	DLK_AUTO_BUF result = { 0 };

	int end = read_options(call, &c, 2, 2);
	if (end != CTL_YES)
		return end;
	if (!c.known)
		return ctl_refuse("there is no account '%s' on this machine", c.user);
	end = load_settings(&c);
	if (end != CTL_YES)
		return end;
	if (ctl_files_read(&c.files, call->argv[1], NULL, CERT_FILE_MAX) < 0)
		return ctl_fault("out of memory");
	end = ctl_apart(read_apart, &c, DLK_CERT_MAX + DLK_FINGERPRINT_HEX, &result);
	return end == CTL_YES ? write_cert(&c, &result) : end;
}

/* ---- list ---- */

struct one_user {
	struct cert *cert;
	const char *user;
};

static int
list_file(const char *name, const struct dlk_certs *certs, const struct dlk_finding *finding,
    void *arg)
{
	const struct one_user *one = arg;
	const struct dlk_cert *cert = certs->n > 0 ? certs->cert[0] : NULL;
	char until[DLK_TIME_TEXT] = "";

	one->cert->n++;
	if (cert)
		dlk_time_text(dlk_cert_not_after(cert), until);
	if (!one->cert->json)
		return printf("%s %.16s %s until %s%s%s\n", one->user,
			   cert ? dlk_cert_fingerprint_text(cert) : "unusable",
			   cert ? dlk_cert_subject(cert) : name, cert ? until : "-",
			   finding->detail[0] ? " " : "", finding->detail) < 0
			   ? -EIO
			   : 0;
	return json_array_append_new(one->cert->listed,
	    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s}", "user", one->user, "file", name,
		"subject", cert ? dlk_cert_subject(cert) : "", "issuer",
		cert ? dlk_cert_issuer(cert) : "", "serial",
		cert ? dlk_cert_serial_text(cert) : "", "fingerprint",
		cert ? dlk_cert_fingerprint_text(cert) : "", "not_after",
		ctl_time(cert ? dlk_cert_not_after(cert) : 0), "detail", finding->detail));
}

static int
list_user(struct cert *c, const char *user)
{
	struct one_user one = { .cert = c, .user = user };
	struct dlk_finding finding = { 0 };

	if (dlk_registry_each(
		c->settings->certificates, user, &c->care, list_file, &one, &finding) != 0)
		return ctl_fault("%s", finding.detail[0] ? finding.detail : "out of memory");
	return CTL_YES;
}

static int
list_all(struct cert *c)
{
	static const char *const any[] = { "", NULL };
	DLK_AUTO_FD dir = -1;
	char **names = NULL;
	size_t n = 0;
	int end = CTL_YES;

	int r = dlk_dir_open(c->settings->certificates, &c->care, &dir);
	if (r == 0)
		r = dlk_dir_list(dir, any, USERS_MAX, &names, &n);
	if (r < 0 && r != -ENOENT)
		return ctl_fault("%s: %s", c->settings->certificates, dlk_file_error(r));
	for (size_t i = 0; i < n && end == CTL_YES; i++)
		end = list_user(c, names[i]);
	dlk_names_free(names, n);
	return end;
}

static int
list(struct ctl_call *call)
{
	__attribute__((cleanup(cert_fini))) struct cert c = { .listed = json_array() };

	int end = read_options(call, &c, 0, 1);
	if (end != CTL_YES)
		return end;
	if (!c.listed || ctl_become_nobody() != CTL_YES || load_settings(&c) != CTL_YES)
		return CTL_FAULT;
	end = call->argc == 1 ? list_user(&c, c.user) : list_all(&c);
	if (end == CTL_YES && c.json)
		return ctl_print(json_incref(c.listed), CTL_YES);
	if (end == CTL_YES && c.n == 0)
		fputs("doublelock: no certificates are registered\n", stderr);
	return end;
}

/* ---- remove ---- */

static int
find_apart(void *arg, struct dlk_buf *result)
{
	const struct cert *c = arg;
	char name[DLK_REGISTRY_NAME];

	int r = dlk_registry_find(
	    c->settings->certificates, c->user, &c->care, c->fingerprint, name);
	if (r == -ENOENT)
		return ctl_refuse("'%s' has no certificate with that fingerprint", c->user);
	if (r == -ENOTUNIQ)
		return ctl_refuse("several fingerprints begin so; give more digits");
	if (r == -EINVAL)
		return ctl_refuse(
		    "8 or more hexadecimal digits of the fingerprint are needed");
	if (r == 0)
		r = dlk_buf_add(result, sizeof(name), DLK_BYTES(name, strlen(name) + 1));
	return r < 0 ? ctl_fault(
			   "%s/%s: %s", c->settings->certificates, c->user, dlk_file_error(r))
		     : CTL_YES;
}

static int
remove_one(struct ctl_call *call)
{
	__attribute__((cleanup(cert_fini))) struct cert c = { .n = 0 };
	DLK_AUTO_BUF name = { 0 };

	int end = read_options(call, &c, 2, 2);
	if (end != CTL_YES)
		return end;
	c.fingerprint = call->argv[1];
	end = load_settings(&c);
	if (end == CTL_YES)
		end = ctl_apart(find_apart, &c, DLK_REGISTRY_NAME, &name);
	if (end != CTL_YES)
		return end;
	if (name.n == 0 || name.p[name.n - 1] != '\0')
		return ctl_fault("no name came back");
	int r = dlk_registry_unlink(c.settings->certificates, c.user, (const char *)name.p);
	if (r < 0)
		return ctl_fault(
		    "%s/%s: %s", c.settings->certificates, c.user, dlk_file_error(r));
	return report_change(&c, "removed", c.fingerprint);
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "add",
		    .run = add,
		    .synopsis = "[--config FILE] [--json] USER FILE" },
		{ .name = "list", .run = list, .synopsis = "[--config FILE] [--json] [USER]" },
		{ .name = "remove",
		    .run = remove_one,
		    .synopsis = "[--config FILE] [--json] USER FINGERPRINT" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_cert = {
	.name = "cert",
	.run = run,
	.synopsis = "add USER FILE | list [USER] | remove USER FINGERPRINT",
};
