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
#include <unistd.h>

#include <curl/curl.h>

#include "agent/export.h"
#include "agent/refresh.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctl.h"
#include "store/crlindex.h"
#include "store/registry.h"

#define USERS_MAX 65536

struct crl {
	const char *config;
	bool json;
	int64_t now;
	struct dlk_engine *engine;
	json_t *lists, *missing, *refused, *wanted;
	struct dlk_crl_urls urls;
	int end;
};

static void
crl_fini(struct crl *c)
{
	json_decref(c->lists);
	json_decref(c->missing);
	json_decref(c->refused);
	json_decref(c->wanted);
	dlk_crl_urls_fini(&c->urls);
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
	c->wanted = json_array();
	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	if (!c->lists || !c->missing || !c->refused || !c->wanted)
		return ctl_fault("out of memory");
	return ctl_open(c->config, parts, &c->engine);
}

/* ---- status ---- */

static const char *
state_of(const struct crl *c, size_t list, const struct dlk_crl_about *about)
{
	int64_t grace = dlk_engine_policy(c->engine)->revocation.grace;

	if (!dlk_crl_urls_signed(
		&c->urls, dlk_engine_trust(c->engine), dlk_engine_crls(c->engine), list))
		return "signer unknown";
	if (about->this_update > c->now)
		return "not yet valid";
	if (about->next_update >= c->now)
		return "current";
	return c->now - about->next_update <= grace ? "in grace" : "STALE";
}

/* Who is judged by a list: CAs that are known, by name, and registered certificates, counted.
 */
struct need {
	struct dlk_bytes signer; /* the name of the CA that signed it */
	json_t *cas;
	size_t registered;
};

static void
find_signer(const struct crl *c, size_t list, struct need *need)
{
	const struct dlk_trust *trust = dlk_engine_trust(c->engine);
	const struct dlk_cert *ca;

	for (size_t i = 0; (ca = dlk_trust_ca_at(trust, i)); i++)
		if (dlk_crls_signed_by(dlk_engine_crls(c->engine), list, ca))
			need->signer = dlk_cert_subject_der(ca);
	for (size_t i = 0; need->signer.n > 0 && (ca = dlk_trust_ca_at(trust, i)); i++)
		if (dlk_bytes_equal(dlk_cert_issuer_der(ca), need->signer) &&
		    !dlk_bytes_equal(dlk_cert_subject_der(ca), need->signer))
			json_array_append_new(need->cas, json_string(dlk_cert_subject(ca)));
}

static int
count_user(const char *name, const struct dlk_certs *certs, const struct dlk_finding *finding,
    void *arg)
{
	struct need *need = arg;

	(void)name;
	(void)finding;
	for (size_t i = 0; i < certs->n; i++)
		need->registered +=
		    dlk_bytes_equal(dlk_cert_issuer_der(certs->cert[i]), need->signer);
	return 0;
}

static void
find_need(const struct crl *c, size_t list, struct need *need)
{
	static const char *const any[] = { "", NULL };
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };
	const char *dir = dlk_engine_settings(c->engine)->certificates;
	struct dlk_finding finding;
	DLK_AUTO_FD fd = -1;
	char **user = NULL;
	size_t n = 0;

	find_signer(c, list, need);
	if (need->signer.n == 0 || dlk_dir_open(dir, NULL, &fd) != 0 ||
	    dlk_dir_list(fd, any, USERS_MAX, &user, &n) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (dlk_text_is_name(user[i]))
			(void)dlk_registry_each(
			    dir, user[i], &care, count_user, need, &finding);
	dlk_names_free(user, n);
}

static void
print_need(const struct need *need)
{
	size_t n;
	json_t *name;

	printf("%-14s needed by", "");
	json_array_foreach(need->cas, n, name) printf(" %s,", json_string_value(name));
	printf(" %zu registered certificates\n", need->registered);
}

static void
tell_list(struct crl *c, size_t i)
{
	struct need need = { .cas = json_array() };
	struct dlk_crl_about about;
	char next[DLK_TIME_TEXT], since[DLK_TIME_TEXT];

	dlk_crls_describe(dlk_engine_crls(c->engine), i, &about);
	const char *state = state_of(c, i, &about);
	if (strcmp(state, "current") != 0 && strcmp(state, "in grace") != 0)
		c->end = CTL_REFUSED;
	find_need(c, i, &need);
	dlk_time_text(about.next_update, next);
	dlk_time_text(about.this_update, since);
	if (c->json)
		json_array_append_new(c->lists,
		    json_pack("{s:s,s:s,s:s,s:o,s:o,s:I,s:I,s:b,s:b,s:b,s:b,s:s,s:O,s:I}",
			"file", about.label, "issuer", about.issuer, "number", about.number,
			"this_update", ctl_time(about.this_update), "next_update",
			ctl_time(about.next_update), "age",
			(json_int_t)(c->now - about.this_update), "entries",
			(json_int_t)about.entries, "delta", about.delta, "indirect",
			about.indirect, "partial", about.partial, "authority_key_identifier",
			about.authority, "state", state, "needed_by", need.cas, "registered",
			(json_int_t)need.registered));
	else
		printf("%-14s %s: %s%s%s, %llu entries, of %s, next %s%s\n", state,
		    about.label, about.issuer, about.number[0] ? ", number " : "",
		    about.number, (unsigned long long)about.entries, since, next,
		    about.authority ? "" : ", without an authority key identifier");
	if (!c->json)
		print_need(&need);
	json_decref(need.cas);
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

static void
tell_without(struct crl *c, const struct dlk_cert *ca)
{
	const struct dlk_crls *crls = dlk_engine_crls(c->engine);

	for (size_t i = 0; i < dlk_crls_count(crls); i++)
		if (dlk_crls_signed_by(crls, i, ca))
			return;
	c->end = CTL_REFUSED;
	if (c->json)
		json_array_append_new(c->missing, json_string(dlk_cert_subject(ca)));
	else
		printf("%-14s no list of %s\n", "MISSING", dlk_cert_subject(ca));
}

/* An anchor that issues nothing but CAs that are known needs a list as well: theirs are in it.
 * CAs that came with certificates are known by them. */
static void
tell_missing(struct crl *c)
{
	const struct dlk_cert *ca;

	for (size_t i = 0; (ca = dlk_trust_ca_at(dlk_engine_trust(c->engine), i)); i++)
		tell_without(c, ca);
	for (size_t i = 0; i < c->urls.signers.n; i++)
		tell_without(c, c->urls.signers.cert[i]);
}

static bool
is_held(const struct crl *c, const struct dlk_crl_url *url)
{
	const struct dlk_crls *crls = dlk_engine_crls(c->engine);
	struct dlk_crl_about about;
	char path[PATH_MAX];

	if (dlk_path_join(
		path, sizeof(path), dlk_engine_settings(c->engine)->index, url->name) < 0)
		return false;
	for (size_t i = 0; i < dlk_crls_count(crls); i++) {
		dlk_crls_describe(crls, i, &about);
		if (strcmp(about.label, path) == 0)
			return true;
	}
	return false;
}

/* What the agent fetches, and whose it is said to be. */
static void
tell_wanted(struct crl *c, const struct dlk_crl_url *url)
{
	const char *state = url->refused ? "refused" : is_held(c, url) ? "fetched" : "wanted";
	const char *whose = url->configured ? "the configuration" : url->issuer;

	if (c->json)
		json_array_append_new(c->wanted, json_pack("{s:s,s:s,s:s}", "url", url->url,
						     "state", state, "named_for", whose));
	else
		printf("%-14s %s: named for %s\n", state, url->url, whose);
}

static int
status(struct ctl_call *call)
{
	AUTO_CRL c = { .end = CTL_YES };

	int end = begin(call, &c, DLK_ENGINE_TRUST);
	if (end != CTL_YES)
		return end;
	const struct dlk_crls *crls = dlk_engine_crls(c.engine);
	int r = dlk_crl_urls_collect(&c.urls, c.engine, ctl_owner(), c.now);
	if (r < 0)
		return ctl_fault(
		    "%s: %s", dlk_engine_settings(c.engine)->certificates, dlk_file_error(r));
	for (size_t i = 0; i < dlk_crls_count(crls); i++)
		tell_list(&c, i);
	for (size_t i = 0; i < dlk_crls_refused(crls); i++)
		tell_refused(&c, i);
	tell_missing(&c);
	for (size_t i = 0; i < c.urls.n; i++)
		tell_wanted(&c, &c.urls.url[i]);
	if (c.json)
		return ctl_print(json_pack("{s:b,s:O,s:O,s:O,s:O}", "good", c.end == CTL_YES,
				     "lists", c.lists, "unusable", c.refused, "missing",
				     c.missing, "wanted", c.wanted),
		    c.end);
	return fflush(stdout) == 0 ? c.end : ctl_fault("the answer could not be written");
}

/* ---- compile ---- */

static int
compile_path(struct crl *c, const char *path, uid_t owner, size_t *made)
{
	const struct dlk_settings *settings = dlk_engine_settings(c->engine);
	const struct dlk_care care = { .owned = true, .owner = owner };
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
	for (size_t i = 0; i <= settings->crls.n; i++) {
		bool fetched = i == settings->crls.n;
		size_t made = 0;
		end = compile_path(&c, fetched ? settings->index : settings->crls.text[i],
		    fetched ? geteuid() : ctl_owner(), &made);
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

/* ---- refresh ---- */

static void
tell_refreshed(
    struct crl *c, const struct dlk_crl_url *url, const char *state, const char *words)
{
	if (c->json)
		json_array_append_new(c->lists, json_pack("{s:s,s:s,s:s}", "url", url->url,
						    "state", state, "detail", words));
	else
		printf("%-14s %s%s%s\n", state, url->url, words[0] ? ": " : "", words);
}

static int
by_itself(void *via, const struct dlk_download *download, int64_t *ret_modified, char *words)
{
	(void)via;
	return dlk_download(download, ret_modified, words);
}

static void
refresh_one(struct crl *c, const struct dlk_crl_url *url)
{
	static const char *const states[] = { [DLK_REFRESHED_NEW] = "new",
		[DLK_REFRESHED_SAME] = "unchanged",
		[DLK_REFRESHED_FAILED] = "FAILED",
		[DLK_REFRESHED_STOPPED] = "FAILED" };
	const struct dlk_refresh plan = {
		.engine = c->engine, .urls = &c->urls, .download = by_itself
	};
	char words[DLK_REFRESH_WORDS];

	if (url->refused) {
		tell_refreshed(c, url, "refused", "only http and https are asked");
		return;
	}
	enum dlk_refreshed end = dlk_refresh_one(&plan, url, dlk_clock_now(), words);
	if (end == DLK_REFRESHED_FAILED || end == DLK_REFRESHED_STOPPED)
		c->end = CTL_REFUSED;
	tell_refreshed(c, url, states[end], words);
}

/* With the lists as they are now. */
static int
export_again(struct crl *c)
{
	DLK_AUTO_ENGINE *engine = NULL;
	struct dlk_exported exported;
	char path[PATH_MAX];

	int end = ctl_open(c->config, DLK_ENGINE_TRUST, &engine);
	if (end != CTL_YES)
		return end;
	int r = dlk_export(engine, &c->urls, ctl_owner(), c->now, &exported, path);
	return r < 0 ? ctl_fault("%s: %s", path, dlk_file_error(r)) : CTL_YES;
}

static int
refresh(struct ctl_call *call)
{
	AUTO_CRL c = { .end = CTL_YES };

	int end = begin(call, &c, DLK_ENGINE_TRUST);
	if (end != CTL_YES)
		return end;
	const struct dlk_settings *settings = dlk_engine_settings(c.engine);
	int r = dlk_crl_urls_collect(&c.urls, c.engine, ctl_owner(), c.now);
	if (r < 0)
		return ctl_fault("%s: %s", settings->certificates, dlk_file_error(r));
	r = c.urls.n > 0 ? dlk_refresh_prepare(settings) : 0;
	if (r < 0)
		return ctl_fault("%s: %s", settings->index, dlk_file_error(r));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ctl_fault("libcurl does not start");
	for (size_t i = 0; i < c.urls.n; i++)
		refresh_one(&c, &c.urls.url[i]);
	end = settings->export ? export_again(&c) : CTL_YES;
	c.end = end > c.end ? end : c.end;
	if (c.json)
		return ctl_print(
		    json_pack("{s:b,s:O}", "good", c.end == CTL_YES, "urls", c.lists), c.end);
	if (c.urls.n == 0)
		puts("no URL is configured, and no certificate names one");
	return fflush(stdout) == 0 ? c.end : ctl_fault("the answer could not be written");
}

static int
run(struct ctl_call *call)
{
	static const struct ctl_subject verbs[] = {
		{ .name = "status", .run = status, .synopsis = "[--config FILE] [--json]" },
		{ .name = "compile", .run = compile, .synopsis = "[--config FILE] [--json]" },
		{ .name = "refresh", .run = refresh, .synopsis = "[--config FILE] [--json]" },
	};

	return CTL_DISPATCH(verbs, call);
}

const struct ctl_subject ctl_crl = {
	.name = "crl",
	.run = run,
	.synopsis = "status | compile | refresh",
};
