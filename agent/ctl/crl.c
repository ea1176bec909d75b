/* SPDX-License-Identifier: MIT */
/*
 * crl.c - the lists of revocation that logins are judged by: whose, how old, which are
 * missing; and their compiled form, which a login searches instead of reading the list.
 */
#include "core/crl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "ctl.h"
#include "store/crlindex.h"

struct crl {
	const char *config;
	bool json;
	int64_t now;
	struct dlk_engine *engine;
	json_t *lists, *missing, *refused;
	int end;
};

static void
crl_fini(struct crl *c)
{
	json_decref(c->lists);
	json_decref(c->missing);
	json_decref(c->refused);
	dlk_engine_close(c->engine);
}
#define AUTO_CRL __attribute__((cleanup(crl_fini))) struct crl

static int
begin(struct ctl_call *call, struct crl *c, unsigned parts)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &c->config },
		{ .name = "json", .flag = &c->json },
	};

	c->now = dlk_clock_now();
	c->lists = json_array();
	c->missing = json_array();
	c->refused = json_array();
	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	if (!c->lists || !c->missing || !c->refused)
		return ctl_fault("out of memory");
	return ctl_open(c->config, parts, &c->engine);
}

/* ---- status ---- */

/* Intermediates, then anchors; NULL behind the last one. */
static const struct dlk_cert *
ca_at(const struct dlk_trust *trust, size_t i)
{
	for (size_t n = 0;; n++) {
		const struct dlk_cert *cert = dlk_trust_intermediate_at(trust, n);
		if (!cert)
			return i - n < dlk_trust_anchors(trust)
				   ? dlk_trust_anchor_at(trust, i - n)
				   : NULL;
		if (n == i)
			return cert;
	}
}

static bool
is_signed(const struct crl *c, size_t list)
{
	const struct dlk_trust *trust = dlk_engine_trust(c->engine);
	const struct dlk_cert *ca;

	for (size_t i = 0; (ca = ca_at(trust, i)); i++)
		if (dlk_crls_signed_by(dlk_engine_crls(c->engine), list, ca))
			return true;
	return false;
}

static const char *
state_of(const struct crl *c, size_t list, const struct dlk_crl_about *about)
{
	int64_t grace = dlk_engine_policy(c->engine)->revocation.grace;

	if (!is_signed(c, list))
		return "signer unknown";
	if (about->this_update > c->now)
		return "not yet valid";
	if (about->next_update >= c->now)
		return "current";
	return c->now - about->next_update <= grace ? "in grace" : "STALE";
}

static void
tell_list(struct crl *c, size_t i)
{
	struct dlk_crl_about about;
	char next[DLK_TIME_TEXT];

	dlk_crls_describe(dlk_engine_crls(c->engine), i, &about);
	const char *state = state_of(c, i, &about);
	if (strcmp(state, "current") != 0 && strcmp(state, "in grace") != 0)
		c->end = CTL_REFUSED;
	dlk_time_text(about.next_update, next);
	if (c->json)
		json_array_append_new(
		    c->lists, json_pack("{s:s,s:s,s:s,s:o,s:o,s:I,s:b,s:b,s:b,s:s}", "file",
				  about.label, "issuer", about.issuer, "number", about.number,
				  "this_update", ctl_time(about.this_update), "next_update",
				  ctl_time(about.next_update), "entries",
				  (json_int_t)about.entries, "delta", about.delta, "indirect",
				  about.indirect, "partial", about.partial, "state", state));
	else
		printf("%-14s %s: %s%s%s, %llu entries, next %s\n", state, about.label,
		    about.issuer, about.number[0] ? ", number " : "", about.number,
		    (unsigned long long)about.entries, next);
}

static void
tell_refused(struct crl *c, size_t i)
{
	const char *label, *words;

	c->end = CTL_REFUSED;
	dlk_crls_refusal(dlk_engine_crls(c->engine), i, &label, &words);
	if (c->json)
		json_array_append_new(
		    c->refused, json_pack("{s:s,s:s}", "file", label, "detail", words));
	else
		printf("%-14s %s\n", "UNUSABLE", words);
}

/* An anchor that issues nothing but CAs that are known needs a list as well: theirs are in it.
 */
static void
tell_missing(struct crl *c)
{
	const struct dlk_trust *trust = dlk_engine_trust(c->engine);
	const struct dlk_crls *crls = dlk_engine_crls(c->engine);
	const struct dlk_cert *ca;

	for (size_t i = 0; (ca = ca_at(trust, i)); i++) {
		bool has = false;
		for (size_t n = 0; n < dlk_crls_count(crls) && !has; n++)
			has = dlk_crls_signed_by(crls, n, ca);
		if (has)
			continue;
		c->end = CTL_REFUSED;
		if (c->json)
			json_array_append_new(c->missing, json_string(dlk_cert_subject(ca)));
		else
			printf("%-14s no list of %s\n", "MISSING", dlk_cert_subject(ca));
	}
}

static int
status(struct ctl_call *call)
{
	AUTO_CRL c = { .end = CTL_YES };

	int end = begin(call, &c, DLK_ENGINE_TRUST);
	if (end != CTL_YES)
		return end;
	const struct dlk_crls *crls = dlk_engine_crls(c.engine);
	for (size_t i = 0; i < dlk_crls_count(crls); i++)
		tell_list(&c, i);
	for (size_t i = 0; i < dlk_crls_refused(crls); i++)
		tell_refused(&c, i);
	tell_missing(&c);
	if (c.json)
		return ctl_print(
		    json_pack("{s:b,s:O,s:O,s:O}", "good", c.end == CTL_YES, "lists", c.lists,
			"unusable", c.refused, "missing", c.missing),
		    c.end);
	return fflush(stdout) == 0 ? c.end : ctl_fault("the answer could not be written");
}

/* ---- compile ---- */

static int
compile_path(struct crl *c, const char *path, size_t *made)
{
	const struct dlk_settings *settings = dlk_engine_settings(c->engine);
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };
	struct dlk_finding finding = { 0 };

	int r = dlk_crlindex_compile_all(path, settings->index, &care, made, &finding);
	if (r == 0 || (r == -ENOENT && !settings->crls_given))
		return CTL_YES;
	return r == -EBADMSG ? ctl_refuse("%s", finding.detail)
			     : ctl_fault("%s", finding.detail);
}

static int
compile(struct ctl_call *call)
{
	AUTO_CRL c = { .end = CTL_YES };
	size_t all = 0;

	int end = begin(call, &c, 0);
	if (end != CTL_YES)
		return end;
	const struct dlk_settings *settings = dlk_engine_settings(c.engine);
	if (mkdir(settings->index, 0700) != 0 && errno != EEXIST)
		return ctl_fault("%s: %s", settings->index, dlk_file_error(errno));
	for (size_t i = 0; i < settings->crls.n; i++) {
		size_t made = 0;
		end = compile_path(&c, settings->crls.text[i], &made);
		all += made;
		if (end > c.end)
			c.end = end;
	}
	int r = dlk_crlindex_sweep(settings->index);
	if (r < 0)
		return ctl_fault("%s: %s", settings->index, dlk_file_error(r));
	if (c.json)
		return ctl_print(json_pack("{s:I}", "compiled", (json_int_t)all), c.end);
	return printf("%zu files were compiled\n", all) < 0 ? CTL_FAULT : c.end;
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "status", .run = status, .synopsis = "[--config FILE] [--json]" },
		{ .name = "compile", .run = compile, .synopsis = "[--config FILE] [--json]" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_crl = {
	.name = "crl",
	.run = run,
	.synopsis = "status | compile",
};
