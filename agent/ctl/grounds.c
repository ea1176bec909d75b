/* SPDX-License-Identifier: MIT */
/*
 * grounds.c - takes apart what the operator named, and hands it to the judgement. A file that
 * cannot be read is a fault; what is damaged in one that can is said, and left out.
 */
#include "grounds.h"

#include <errno.h>
#include <stdlib.h>

#include "base/say.h"
#include "base/text.h"
#include "store/anchors.h"

#define CERTS_MAX 16384 /* of one file */

void
ctl_grounds_fini(struct ctl_grounds *g)
{
	if (g->policy == &g->own_policy && !g->engine)
		dlk_policy_fini(&g->own_policy);
	dlk_trust_free(g->own_trust);
	dlk_crls_free(g->own_crls);
	dlk_engine_close(g->engine);
}

static enum dlk_reason
out_of_memory(struct dlk_finding *finding)
{
	return dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_INTERNAL, "out of memory");
}

static enum dlk_reason
unusable(const char *label, const char *why, struct dlk_finding *finding)
{
	char shown[256];

	dlk_text_escape(shown, sizeof(shown), dlk_bytes_str(label));
	return dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%s: %s", shown, why);
}

enum dlk_reason
ctl_certs_presented(const struct ctl_file *file, size_t most, struct dlk_certs *certs,
    struct dlk_finding *finding)
{
	if (file->error == -EFBIG)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
		    "the file is larger than any certificate");
	if (file->error < 0)
		return unusable(file->label, dlk_file_error(file->error), finding);
	int left_out =
	    dlk_certs_parse_file(dlk_bytes_of(&file->content), most, certs, finding);
	if (left_out < 0)
		return out_of_memory(finding);
	if (left_out == 0 && certs->n > 0)
		return DLK_R_OK;
	if (finding->reason > DLK_R_OK)
		return finding->reason;
	return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
	    left_out > 0 ? "there are too many certificates in the file"
			 : "there is no certificate in the file");
}

enum dlk_reason
ctl_certs_known(const struct ctl_file *file, struct dlk_certs *certs, size_t *left_out,
    struct dlk_finding *finding)
{
	struct dlk_finding why = { 0 };
	size_t before = certs->n;

	if (file->error < 0)
		return unusable(file->label, dlk_file_error(file->error), finding);
	int n = dlk_certs_parse_file(dlk_bytes_of(&file->content), CERTS_MAX, certs, &why);
	if (n < 0)
		return out_of_memory(finding);
	if (n > 0)
		dlk_say(DLK_WARNING, "%s: %d left out: %s", file->label, n, why.detail);
	else if (certs->n == before)
		dlk_say(DLK_WARNING, "%s: there is no certificate in it", file->label);
	*left_out += (size_t)n;
	return DLK_R_OK;
}

static enum dlk_reason
add_certs(struct ctl_grounds *g, const struct ctl_files *files, bool anchors,
    struct dlk_finding *finding)
{
	DLK_AUTO_CERTS certs = { 0 };
	enum dlk_reason reason = DLK_R_OK;
	size_t left_out = 0;
	int r = 0;

	for (size_t i = 0; i < files->n && reason == DLK_R_OK; i++)
		reason = ctl_certs_known(&files->file[i], &certs, &left_out, finding);
	if (reason != DLK_R_OK)
		return reason;
	/* where all of them are damaged, nothing is trusted and the path says so */
	if (anchors && certs.n == 0 && left_out == 0)
		return dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
		    "there is no certificate in what --trust names");
	for (size_t i = 0; i < certs.n && r == 0; i++)
		r = anchors ? dlk_trust_add_anchor(g->own_trust, 0, certs.cert[i])
			    : dlk_trust_add_intermediate(g->own_trust, certs.cert[i]);
	return r < 0 ? out_of_memory(finding) : DLK_R_OK;
}

/* A damaged list stays in sight: what it might have covered is refused for it. */
static enum dlk_reason
add_crls(struct ctl_grounds *g, const struct ctl_files *files, struct dlk_finding *finding)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct ctl_file *file = &files->file[i];
		struct dlk_finding why = { 0 };
		if (file->error < 0)
			return unusable(file->label, dlk_file_error(file->error), finding);
		if (dlk_crls_add_file(g->own_crls, dlk_bytes_of(&file->content), file->label,
			&why) == DLK_R_OK)
			continue;
		dlk_say(DLK_WARNING, "%s; left out", why.detail);
		if (dlk_crls_refuse(g->own_crls, file->label, why.detail) < 0)
			return out_of_memory(finding);
	}
	return DLK_R_OK;
}

enum dlk_reason
ctl_grounds_of_files(struct ctl_grounds *g, const struct ctl_files *anchors,
    const struct ctl_files *intermediates, const struct ctl_files *crls,
    struct dlk_finding *finding)
{
	struct dlk_policy *policy = &g->own_policy;
	const char *why = NULL;

	dlk_policy_init(policy);
	g->policy = policy;
	policy->set = calloc(1, sizeof(*policy->set));
	if (!policy->set || dlk_trust_new(&g->own_trust) < 0 || dlk_crls_new(&g->own_crls) < 0)
		return out_of_memory(finding);
	policy->n_sets = 1;
	g->trust = g->own_trust;
	g->crls = g->own_crls;
	if (dlk_rules_add(&policy->rules, "subject-cn:%u", &why) < 0)
		return out_of_memory(finding);
	enum dlk_reason reason = add_certs(g, anchors, true, finding);
	if (reason == DLK_R_OK)
		reason = add_certs(g, intermediates, false, finding);
	return reason == DLK_R_OK ? add_crls(g, crls, finding) : reason;
}

/* The lists of the configuration are loaded again, because an engine's are its own. */
static enum dlk_reason
add_configured_crls(struct ctl_grounds *g, struct dlk_finding *finding)
{
	const struct dlk_settings *settings = dlk_engine_settings(g->engine);
	const struct dlk_care care = { .owned = true, .owner = ctl_owner() };

	if (dlk_crls_new(&g->own_crls) < 0)
		return out_of_memory(finding);
	g->crls = g->own_crls;
	for (size_t i = 0; i < settings->crls.n; i++) {
		int r = dlk_crls_load(
		    settings->crls.text[i], settings->index, &care, g->own_crls, finding);
		if (r < 0 && (r != -ENOENT || settings->crls_given))
			return DLK_R_FAULT_CONFIG;
	}
	return DLK_R_OK;
}

enum dlk_reason
ctl_grounds_of_config(struct ctl_grounds *g, const char *config, const struct ctl_files *crls,
    struct dlk_finding *finding)
{
	if (dlk_engine_open(config ? config : DLK_CONFIG_FILE, DLK_ENGINE_TRUST, ctl_owner(),
		&g->engine, finding) < 0) {
		finding->reason = DLK_R_FAULT_CONFIG;
		return DLK_R_FAULT_CONFIG;
	}
	g->policy = dlk_engine_policy(g->engine);
	g->trust = dlk_engine_trust(g->engine);
	g->crls = dlk_engine_crls(g->engine);
	if (crls->n == 0)
		return DLK_R_OK;
	enum dlk_reason reason = add_configured_crls(g, finding);
	return reason == DLK_R_OK ? add_crls(g, crls, finding) : reason;
}

void
ctl_grounds_revocation(struct ctl_grounds *g, enum dlk_revocation_mode mode)
{
	if (g->engine) /* what it points to stays the engine's */
		g->own_policy = *g->policy;
	g->policy = &g->own_policy;
	g->own_policy.revocation.mode = mode;
}
