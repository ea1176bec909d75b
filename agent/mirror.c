/* SPDX-License-Identifier: MIT */
/* mirror.c - when the directory is read, and whose entries: all of them, or those of the users
 * who have tokens where the filter asks for a name. */
#include "agent/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ldapfilter.h"
#include "agent/outread.h"
#include "agent/refresh.h"
#include "agent/sleeper.h"
#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "config/engine.h"
#include "store/directory.h"
#include "store/tokens.h"

#define IDLE_S       600 /* where no directory is configured */
#define PASSWORD_MAX 1024
#define TRIES        3

struct dlk_mirror {
	struct dlk_sleeper sleeper;
	const char *config;
	uid_t owner;
	struct dlk_outward *outward;
	unsigned failures; /* in a row */
};

static bool
is_ending(void *arg)
{
	const struct dlk_mirror *mirror = arg;

	return dlk_sleeper_is_ending(&mirror->sleeper);
}

/* One reading. */
struct pass {
	const struct dlk_settings *settings;
	struct dlk_outward *outward;
	struct dlk_reading *reading;
	const char *user; /* who is asked for; NULL: the entry says */
	size_t left_out;
	char words[DLK_OUTREAD_WORDS];
};

static int
keep(void *arg, const char *user, struct dlk_bytes der)
{
	struct pass *p = arg;
	const char *name = p->user ? p->user : user;
	int r = name ? dlk_reading_add(p->reading, name, der) : -EINVAL;

	p->left_out += r == -EINVAL;
	return r == -EINVAL ? 0 : r;
}

static int
read_one(struct pass *p, const char *user)
{
	char filter[DLK_LDAP_FILTER];
	int r = dlk_ldap_filter(p->settings->ldap.filter, user, filter);

	p->user = user;
	return r ? r : dlk_outread(p->outward, filter, keep, p, p->words);
}

struct users {
	char **name;
	size_t n;
};

static int
add_user(const struct dlk_user_row *row, void *arg)
{
	struct users *users = arg;
	char **more = reallocarray(users->name, users->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	users->name = more;
	users->name[users->n] = row->n_tokens > 0 ? strdup(row->user) : NULL;
	users->n += users->name[users->n] != NULL;
	return 0;
}

/* No name that a peer typed is asked for: users are those whom the operator has enrolled. The
 * record is closed again before the network is waited for. */
static int
find_enrolled(struct pass *p, struct users *users)
{
	struct dlk_finding finding = { 0 };
	DLK_AUTO_RECORD *record = NULL;
	int r = dlk_record_open(p->settings->store, NULL, &record, &finding);

	if (r == 0)
		r = dlk_users_each(record, add_user, users);
	if (r < 0)
		dlk_text_print(p->words, sizeof(p->words), "%.200s",
		    record ? dlk_record_trouble(record) : finding.detail);
	return r;
}

static int
read_enrolled(struct pass *p)
{
	struct users users = { 0 };
	int r = find_enrolled(p, &users);

	for (size_t i = 0; i < users.n && r == 0; i++)
		r = read_one(p, users.name[i]);
	dlk_names_free(users.name, users.n);
	return r;
}

static int
read_password(const struct dlk_mirror *m, const struct dlk_settings *s,
    struct dlk_secret *password, char *words)
{
	const struct dlk_care care = { .owned = true, .secret = true, .owner = m->owner };
	DLK_AUTO_BUF content = { 0 };

	if (!s->ldap.password_file)
		return 0;
	int r = dlk_file_read(s->ldap.password_file, PASSWORD_MAX, &care, &content);
	size_t n = content.n;
	while (n > 0 && (content.p[n - 1] == '\n' || content.p[n - 1] == '\r'))
		n--;
	if (r == 0 && n == 0)
		r = -ENODATA; /* a bind without a password is one as nobody */
	if (r == 0)
		r = dlk_secret_set(password, DLK_BYTES(content.p, n));
	if (r != 0)
		dlk_text_print(words, DLK_OUTREAD_WORDS, "%.150s: %s", s->ldap.password_file,
		    r == -ENODATA ? "it is empty" : dlk_file_error(r));
	return r;
}

static int
read_once(const struct dlk_mirror *m, struct pass *p, struct dlk_directory_state *state)
{
	const struct dlk_settings *s = p->settings;
	DLK_AUTO_SECRET password = { 0 };
	int r = read_password(m, s, &password, p->words);

	p->left_out = 0;
	if (r == 0)
		r = dlk_outread_open(p->outward, s, &password, p->words);
	if (r == 0)
		r = dlk_reading_new(s->ldap.cache, &p->reading);
	if (r == 0)
		r = strstr(s->ldap.filter, "%u") ? read_enrolled(p) : read_one(p, NULL);
	if (r == 0)
		r = dlk_reading_end(p->reading, state);
	dlk_reading_free(p->reading);
	p->reading = NULL;
	dlk_outward_end(p->outward);
	return r;
}

/* Where doublelock-outward dies it begins again, from the start. */
static int
read_all(const struct dlk_mirror *m, struct pass *p, struct dlk_directory_state *state)
{
	int r = -EPIPE;

	for (int i = 0; i < TRIES && r == -EPIPE; i++)
		r = read_once(m, p, state);
	if (r < 0 && r != -ECANCELED && !p->words[0])
		dlk_text_print(p->words, sizeof(p->words), "%s", dlk_outward_error(r));
	return r;
}

/* Told when it changes, not each time. */
static void
tell(const struct dlk_mirror *m, const struct pass *p, const struct dlk_directory_state *state)
{
	const char *url = p->settings->ldap.url;

	if (state->error[0] && m->failures == 0)
		dlk_say(DLK_WARNING, "%s: %s: the certificates that were read last stay", url,
		    state->error);
	else if (!state->error[0] && m->failures > 0)
		dlk_say(DLK_NOTICE, "%s: can be read again", url);
	if (!state->error[0] && p->left_out > 0)
		dlk_say(DLK_WARNING,
		    "%s: %zu values left out: the entry has no account's name in '%s', or the "
		    "value is no certificate",
		    url, p->left_out, p->settings->ldap.user);
}

static void
read_directory(struct dlk_mirror *m, const struct dlk_settings *settings)
{
	struct dlk_directory_state state = { 0 };
	struct pass p = { .settings = settings, .outward = m->outward };

	(void)dlk_directory_state_load(settings->ldap.cache, &state);
	int r = read_all(m, &p, &state);
	if (r == -ECANCELED)
		return;
	state.tried = dlk_clock_now();
	state.error[0] = '\0';
	if (r == 0)
		state.read = state.tried;
	else
		dlk_text_print(state.error, sizeof(state.error), "%s",
		    p.words[0] ? p.words : dlk_file_error(r));
	tell(m, &p, &state);
	m->failures = r == 0 ? 0 : m->failures + 1;
	r = dlk_directory_state_save(settings->ldap.cache, &state);
	if (r < 0 && r != -ENOENT)
		dlk_say(DLK_WARNING, "%s: %s", settings->ldap.cache, dlk_file_error(r));
}

/* Seconds until the next look. A configuration that is broken is the reload's to tell. */
static int64_t
look(struct dlk_mirror *m)
{
	const struct dlk_care care = { .owned = true, .owner = m->owner };
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding;
	int64_t next = IDLE_S;

	if (dlk_settings_load(m->config, &care, &settings, &finding) < 0)
		return IDLE_S;
	if (settings->ldap.url) {
		read_directory(m, settings);
		next = settings->ldap.refresh;
		if (m->failures > 0 && dlk_refresh_pause(m->failures) < next)
			next = dlk_refresh_pause(m->failures);
	}
	dlk_settings_free(settings);
	return next;
}

static void *
run(void *arg)
{
	struct dlk_mirror *m = arg;

	while (!dlk_sleeper_is_ending(&m->sleeper))
		(void)dlk_sleeper_rest(&m->sleeper, look(m));
	return NULL;
}

int
dlk_mirror_new(const char *config, uid_t owner, const struct dlk_keeper *keeper,
    struct dlk_mirror **ret_mirror)
{
	struct dlk_mirror *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->config = config;
	m->owner = owner;
	int r = dlk_outward_new(keeper, "directory", is_ending, m, &m->outward);
	if (r == 0)
		r = dlk_sleeper_start(&m->sleeper, run, m);
	if (r < 0) {
		dlk_outward_free(m->outward);
		free(m);
		return r;
	}
	*ret_mirror = m;
	return 0;
}

void
dlk_mirror_wake(struct dlk_mirror *mirror)
{
	dlk_sleeper_wake(&mirror->sleeper);
}

void
dlk_mirror_free(struct dlk_mirror *mirror)
{
	if (!mirror)
		return;
	dlk_sleeper_stop(&mirror->sleeper);
	dlk_outward_free(mirror->outward);
	free(mirror);
}
