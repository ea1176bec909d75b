/* SPDX-License-Identifier: MIT */
/*
 * build.c - from lines to settings: sections, keys that may stand once only, exceptions that
 * have the rest from their service, and what makes no sense as a whole.
 */
#include "config/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/check.h"

#define WARN_DEFAULT (14 * INT64_C(86400))
#define KEEP_DEFAULT (400 * INT64_C(86400)) /* a year, and time to look back on it */
#define LDAP_REFRESH 900                    /* seconds */

int
dlk_strings_add(struct dlk_strings *strings, const char *text)
{
	char **more = reallocarray(strings->text, strings->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	strings->text = more;
	more[strings->n] = strdup(text);
	if (!more[strings->n])
		return -ENOMEM;
	strings->n++;
	return 0;
}

void
dlk_strings_fini(struct dlk_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		free(strings->text[i]);
	free(strings->text);
	*strings = (struct dlk_strings){ 0 };
}

static int
refuse(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static int
open_trust(struct dlk_build *b, const char *name, const char **ret_why)
{
	struct dlk_policy *policy = &b->settings->policy;
	struct dlk_trust_set *more;

	for (size_t i = 0; i < policy->n_sets; i++) {
		if (strcmp(policy->set[i].name, name) == 0) {
			b->set = &policy->set[i];
			return 0;
		}
	}
	if (policy->n_sets == DLK_TRUST_SETS_MAX)
		return refuse(ret_why, "too many trust sets (64 at most)");
	more = reallocarray(policy->set, policy->n_sets + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	policy->set = more;
	b->set = &more[policy->n_sets++];
	memset(b->set, 0, sizeof(*b->set));
	dlk_text_copy(b->set->name, sizeof(b->set->name), name);
	return 0;
}

/* "NAME", "NAME user:WHO" or "NAME group:WHO" into an empty service. */
static bool
name_service(struct dlk_service *service, const char *text)
{
	size_t n = strcspn(text, " ");
	const char *rest = text + n + (text[n] ? 1 : 0);
	char name[DLK_INI_NAME_MAX + 1];

	memcpy(name, text, n);
	name[n] = '\0';
	if (strncmp(rest, "user:", 5) == 0)
		service->scope = DLK_SCOPE_USER;
	else if (strncmp(rest, "group:", 6) == 0)
		service->scope = DLK_SCOPE_GROUP;
	else if (rest[0])
		return false;
	if (service->scope != DLK_SCOPE_ALL) {
		rest = strchr(rest, ':') + 1;
		if (!dlk_text_is_name(rest))
			return false;
		dlk_text_copy(service->who, sizeof(service->who), rest);
	}
	dlk_text_print(service->section, sizeof(service->section), "service %s", text);
	return dlk_text_is_name(name) &&
	       dlk_text_copy(service->name, sizeof(service->name), name);
}

static int
open_service(struct dlk_build *b, const char *name, const char **ret_why)
{
	struct dlk_policy *policy = &b->settings->policy;
	struct dlk_service fresh = { .certificate = DLK_CERTIFICATE_UNSET };
	struct dlk_service *more;

	if (!name_service(&fresh, name))
		return refuse(ret_why,
		    "[service NAME], [service NAME user:WHO] or [service NAME group:WHO]");
	for (size_t i = 0; i < policy->n_services; i++) {
		if (strcmp(policy->service[i].section, fresh.section) == 0) {
			b->service = &policy->service[i];
			return 0;
		}
	}
	more = reallocarray(policy->service, policy->n_services + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	policy->service = more;
	b->service = &more[policy->n_services++];
	*b->service = fresh;
	return 0;
}

static int
on_section(
    void *arg, const struct dlk_ini_place *place, const char *section, const char **ret_why)
{
	struct dlk_build *b = arg;
	char word[DLK_INI_NAME_MAX + 1];
	size_t n = strcspn(section, " ");
	const char *name = section + n + (section[n] ? 1 : 0);

	(void)place;
	memcpy(word, section, n);
	word[n] = '\0';
	b->set = NULL;
	b->service = NULL;
	dlk_text_copy(b->section, sizeof(b->section), section);
	if (!dlk_option_section_known(word))
		return refuse(ret_why, "there is no such section");
	if (strcmp(word, "trust") == 0) {
		if (section[n] && !dlk_text_is_name(name))
			return refuse(ret_why, "[trust], or [trust NAME]");
		return open_trust(b, name, ret_why);
	}
	if (strcmp(word, "service") == 0)
		return open_service(b, name, ret_why);
	return section[n] ? refuse(ret_why, "this section has no name behind it") : 0;
}

static int
note(struct dlk_build *b, const struct dlk_ini_place *place, const char *key)
{
	struct dlk_seen *more = reallocarray(b->seen, b->n_seen + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	b->seen = more;
	more = &b->seen[b->n_seen++];
	dlk_text_copy(more->section, sizeof(more->section), b->section);
	dlk_text_copy(more->key, sizeof(more->key), key);
	dlk_text_print(more->file, sizeof(more->file), "%s", place->file);
	more->line = place->line;
	return 0;
}

static const struct dlk_seen *
seen(const struct dlk_build *b, const char *key)
{
	for (size_t i = 0; i < b->n_seen; i++)
		if (strcmp(b->seen[i].section, b->section) == 0 &&
		    strcmp(b->seen[i].key, key) == 0)
			return &b->seen[i];
	return NULL;
}

static int
on_entry(void *arg, const struct dlk_ini_place *place, const char *key, const char *value,
    const char **ret_why)
{
	struct dlk_build *b = arg;
	const struct dlk_option *option = dlk_option_find(b, key);
	const struct dlk_seen *before = seen(b, key);
	int error;

	if (!option) {
		dlk_text_print(b->why, sizeof(b->why), "[%s] has no such key", b->section);
		return refuse(ret_why, b->why);
	}
	if (before && !option->repeats) {
		dlk_text_print(b->why, sizeof(b->why), "already set at %s:%u", before->file,
		    before->line);
		return refuse(ret_why, b->why);
	}
	if (!value[0])
		return refuse(ret_why, "the value is empty");
	error = note(b, place, key);
	if (error == 0)
		error = option->set(b, value, ret_why);
	if (b->stranger[0] && b->stranger_at.line == 0)
		b->stranger_at = b->seen[b->n_seen - 1];
	return error;
}

/* Where no gateway on another host can come, a name that is no user's is mistyped. */
static int
check_strangers(const struct dlk_build *b, struct dlk_finding *finding)
{
	if (!b->stranger[0] || b->settings->tls.clients)
		return 0;
	dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG,
	    "%.300s:%u: %s: there is no such user (name or uid), and no [agent] clients: %s",
	    b->stranger_at.file, b->stranger_at.line, b->stranger_at.key, b->stranger);
	return -EINVAL;
}

static int
read_one(struct dlk_build *b, const char *file, const struct dlk_care *care,
    struct dlk_finding *finding)
{
	const struct dlk_ini_handler handler = { on_section, on_entry, b };
	DLK_AUTO_BUF content = { 0 };
	int error = 0;

	if (care && care->owned)
		error = dlk_path_check(file, care->owner);
	if (error == 0)
		error = dlk_file_read(file, 1024 * 1024, care, &content);
	if (error != 0) {
		dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG,
		    "%.300s: %s; it and each directory above have to be root's and not "
		    "writable "
		    "by others",
		    file, dlk_file_error(error));
		if (error != -DLK_EOWNER)
			dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%.300s: %s",
			    file, dlk_file_error(error));
		return error;
	}
	b->section[0] = '\0';
	error = dlk_strings_add(&b->settings->files, file);
	return error ? error : dlk_ini_parse(dlk_bytes_of(&content), file, &handler, finding);
}

static int
read_more(struct dlk_build *b, const char *dir, const struct dlk_care *care,
    struct dlk_finding *finding)
{
	static const char *const suffixes[] = { ".conf", NULL };
	DLK_AUTO_FD fd = -1;
	char **names = NULL;
	size_t n = 0;
	int error = dlk_dir_open(dir, care, &fd);

	if (error == -ENOENT)
		return 0;
	if (error == 0)
		error = dlk_strings_add(&b->settings->files, dir);
	if (error == 0)
		error = dlk_dir_list(fd, suffixes, 256, &names, &n);
	if (error != 0)
		dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%.300s: %s", dir,
		    dlk_file_error(error));
	for (size_t i = 0; i < n && error == 0; i++) {
		char path[4096];

		error = dlk_path_join(path, sizeof(path), dir, names[i]);
		if (error == 0)
			error = read_one(b, path, care, finding);
	}
	dlk_names_free(names, n);
	return error;
}

static int
put(char **place, const char *dir, const char *name)
{
	char path[4096];

	if (*place)
		return 0;
	if (dlk_path_join(path, sizeof(path), dir, name) != 0)
		return -ENAMETOOLONG;
	*place = strdup(path);
	return *place ? 0 : -ENOMEM;
}

static int
put_default(struct dlk_strings *list, const char *dir, const char *name)
{
	char path[4096];

	if (list->n > 0)
		return 0;
	if (dlk_path_join(path, sizeof(path), dir, name) != 0)
		return -ENAMETOOLONG;
	return dlk_strings_add(list, path);
}

/* The anchors of [trust] alone may be left out: then they are trust.d. */
static int
default_anchors(struct dlk_trust_set *set, const char *dir)
{
	struct dlk_strings list = { set->anchors, set->n_anchors };
	int error = put_default(&list, dir, "trust.d");

	set->anchors = list.text;
	set->n_anchors = list.n;
	return error;
}

static void
directory_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	dlk_text_print(out, size, "%.*s", slash > path ? (int)(slash - path) : 1, path);
}

/* Doors for gateways stand beside the usual sockets, unless those are named as well. */
static bool
listens_on_unix(const struct dlk_settings *s)
{
	for (size_t i = 0; i < s->listen.n; i++)
		if (strncmp(s->listen.text[i], "unix:", 5) == 0)
			return true;
	return false;
}

static int
fill_text(char **place, const char *text)
{
	if (!*place)
		*place = strdup(text);
	return *place ? 0 : -ENOMEM;
}

static int
fill_ldap(struct dlk_settings *s, const char *state)
{
	int error = put(&s->ldap.cache, state, "ldap");

	if (error == 0)
		error = fill_text(&s->ldap.filter, "(userCertificate;binary=*)");
	if (error == 0)
		error = fill_text(&s->ldap.user, "uid");
	if (s->ldap.refresh == 0)
		s->ldap.refresh = LDAP_REFRESH;
	return error;
}

static int
fill_defaults(struct dlk_settings *s, const char *dir)
{
	char state[4096];
	int error = put(&s->certificates, dir, "certs.d");

	if (error == 0)
		error = put(&s->seal_key, dir, "seal.key");
	if (error == 0)
		error = put(&s->store, DLK_STATEDIR, "state.db");
	if (error == 0)
		error = default_anchors(&s->policy.set[0], dir);
	if (error == 0)
		error = put_default(&s->intermediates, dir, "intermediates.d");
	if (error == 0)
		error = put_default(&s->crls, dir, "crl.d");
	if (error == 0 && !listens_on_unix(s)) {
		error = dlk_strings_add(&s->listen, "unix:" DLK_RUNDIR "/agent.sock");
		if (error == 0)
			error = dlk_strings_add(&s->listen, "unix:" DLK_RUNDIR "/module.sock");
		if (error == 0)
			error =
			    dlk_strings_add(&s->listen, "unix:" DLK_RUNDIR "/gateway.sock");
	}
	if (error != 0)
		return error;
	directory_of(s->store, state, sizeof(state));
	error = put(&s->index, state, "crl");
	return error ? error : fill_ldap(s, state);
}

static int
load(struct dlk_build *b, const char *file, const struct dlk_care *care,
    struct dlk_finding *finding)
{
	char dir[4096], more[4096];
	const char *why = NULL;
	int error = open_trust(b, "", &why); /* set 0 is [trust], written or not */

	directory_of(file, dir, sizeof(dir));
	if (error == 0)
		error = dlk_path_join(more, sizeof(more), dir, "conf.d");
	if (error == 0)
		error = read_one(b, file, care, finding);
	if (error == 0)
		error = read_more(b, more, care, finding);
	if (error == 0)
		error = check_strangers(b, finding);
	if (error == 0)
		error = dlk_settings_check(b->settings, file, finding);
	if (error == 0)
		error = fill_defaults(b->settings, dir);
	return error;
}

int
dlk_settings_load(const char *file, const struct dlk_care *care,
    struct dlk_settings **ret_settings, struct dlk_finding *finding)
{
	struct dlk_build build = { .settings = calloc(1, sizeof(struct dlk_settings)) };
	int error = -ENOMEM;

	*finding = (struct dlk_finding){ 0 };
	if (file[0] != '/') {
		free(build.settings);
		dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG,
		    "%.300s: the path of the configuration begins with '/'", file);
		return -EINVAL;
	}
	if (build.settings) {
		dlk_policy_init(&build.settings->policy);
		build.settings->crl_fetch = true;
		build.settings->keep = KEEP_DEFAULT;
		build.settings->warn = WARN_DEFAULT;
		build.settings->file = strdup(file);
		error = build.settings->file ? load(&build, file, care, finding) : -ENOMEM;
	}
	free(build.seen);
	if (error == 0) {
		*ret_settings = build.settings;
		return 0;
	}
	dlk_settings_free(build.settings);
	if (finding->reason == DLK_R_UNDECIDED)
		dlk_find(finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%.300s: %s", file,
		    dlk_file_error(error));
	return error;
}

void
dlk_settings_free(struct dlk_settings *settings)
{
	if (!settings)
		return;
	dlk_policy_fini(&settings->policy);
	dlk_strings_fini(&settings->intermediates);
	dlk_strings_fini(&settings->crls);
	dlk_strings_fini(&settings->crl_urls);
	dlk_strings_fini(&settings->listen);
	dlk_strings_fini(&settings->files);
	free(settings->file);
	free(settings->export);
	free(settings->certificates);
	free(settings->ldap.url);
	free(settings->ldap.base);
	free(settings->ldap.filter);
	free(settings->ldap.user);
	free(settings->ldap.ca);
	free(settings->ldap.bind_dn);
	free(settings->ldap.password_file);
	free(settings->ldap.cache);
	free(settings->tls.certificate);
	free(settings->tls.key);
	free(settings->tls.clients);
	dlk_strings_fini(&settings->tls.users);
	dlk_strings_fini(&settings->tls.readers);
	free(settings->webhook.url);
	free(settings->webhook.secret_file);
	free(settings->webhook.ca);
	free(settings->webhook.certificate);
	free(settings->webhook.key);
	free(settings->store);
	free(settings->seal_key);
	free(settings->index);
	free(settings);
}
