/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - when which list is fetched. refresh.h does it, and the directory remembers what
 * there is; here are only the tries that failed.
 */
#include "agent/fetch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/export.h"
#include "agent/outfetch.h"
#include "agent/prune.h"
#include "agent/refresh.h"
#include "agent/sleeper.h"
#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "store/crlindex.h"
#include "store/wanted.h"
#include "wire/frame.h"

#define LOOK_S   600 /* certificates are registered without a word to anybody */
#define WANTED_S 5   /* who judges elsewhere says in the record what he wants */

/* Of one URL. */
struct
try {
	char name[DLK_CRL_URL_NAME];
	unsigned failures;
	int64_t rest_until_ms; /* monotonic */
	int64_t asked_ms;      /* monotonic: what is held was looked at then */
	bool told;             /* that it is refused */
};

struct dlk_fetch {
	struct dlk_sleeper sleeper;
	const char *config;
	uid_t owner;
	struct dlk_courier *courier;
	struct dlk_outward *outward;
	uint32_t random; /* so that not all machines ask at the same moment */
	bool swept;
	struct try try[DLK_CRL_URLS_MAX];
	size_t n;
	struct dlk_crl_urls urls;
	bool renewed; /* a list came since the lists were loaded */
	char store[PATH_MAX];
	struct timespec stored; /* when the record's log was written to, at the last look */
};

static bool
is_ending(void *arg)
{
	const struct dlk_fetch *fetch = arg;

	return dlk_sleeper_is_ending(&fetch->sleeper);
}

static const struct try *
find(const struct try *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* try[i] belongs to url[i] from here on; what was known of a URL stays with it. */
static void
line_up(struct dlk_fetch *fetch)
{
	struct try before[DLK_CRL_URLS_MAX];
	size_t n = fetch->n;

	memcpy(before, fetch->try, sizeof(before));
	fetch->n = fetch->urls.n;
	for (size_t i = 0; i < fetch->n; i++) {
		const struct try *known = find(before, n, fetch->urls.url[i].name);
		fetch->try[i] =
		    known ? *known : (struct try){ .asked_ms = dlk_monotonic_ms() };
		memcpy(fetch->try[i].name, fetch->urls.url[i].name, DLK_CRL_URL_NAME);
	}
}

static void
tell(struct dlk_fetch *fetch, const struct dlk_crl_url *url, enum dlk_refreshed end,
    const char *words)
{
	char line[DLK_REFRESH_WORDS + DLK_CRL_URL_MAX + 64];

	if (end == DLK_REFRESHED_FAILED) {
		dlk_say(DLK_WARNING, "%s: %s: what is held stays", url->url, words);
		return;
	}
	if (end != DLK_REFRESHED_NEW)
		return;
	dlk_text_print(line, sizeof(line), "%s: a new list of revocation%s%s", url->url,
	    words[0] ? ", " : "", words);
	dlk_say(DLK_NOTICE, "%s", line);
	dlk_courier_record(fetch->courier, DLK_EVENT_CRL_UPDATED, line);
}

static int
by_outward(void *via, const struct dlk_download *download, int64_t *ret_modified, char *words)
{
	return dlk_outfetch(via, download, ret_modified, words);
}

/* A list that is due still, as its CA has made no newer one, is not asked for at once. */
static void
fetch_one(struct dlk_fetch *fetch, const struct dlk_engine *engine, size_t i)
{
	const struct dlk_refresh refresh = { .engine = engine,
		.urls = &fetch->urls,
		.download = by_outward,
		.via = fetch->outward,
		.stop = is_ending,
		.ctx = fetch };
	const struct dlk_crl_url *url = &fetch->urls.url[i];
	struct try *try = &fetch->try[i];
	char words[DLK_REFRESH_WORDS];
	int64_t now = dlk_clock_now();
	enum dlk_refreshed end = dlk_refresh_one(&refresh, url, now, words);

	tell(fetch, url, end, words);
	fetch->renewed |= end == DLK_REFRESHED_NEW;
	if (end == DLK_REFRESHED_STOPPED)
		return;
	bool due = dlk_refresh_due(dlk_engine_settings(engine), url, fetch->random) <= now;
	try->asked_ms = dlk_monotonic_ms();
	try->failures = end == DLK_REFRESHED_FAILED || due ? try->failures + 1 : 0;
	try->rest_until_ms =
	    try->failures ? dlk_monotonic_ms() + 1000 * dlk_refresh_pause(try->failures) : 0;
}

/* Seconds until it is to be fetched; 0 now. */
static int64_t
wait_of(const struct dlk_fetch *fetch, const struct dlk_engine *engine, size_t i)
{
	int64_t rest = fetch->try[i].rest_until_ms - dlk_monotonic_ms();

	if (rest > 0)
		return rest / 1000 + 1;
	int64_t due =
	    dlk_refresh_due(dlk_engine_settings(engine), &fetch->urls.url[i], fetch->random);
	int64_t now = dlk_clock_now();
	int64_t since = (dlk_monotonic_ms() - fetch->try[i].asked_ms) / 1000;
	int64_t ask = dlk_refresh_ask_after(fetch->random) - since;
	due = due <= now ? 0 : due - now;
	ask = ask > 0 ? ask : 0;
	return due < ask ? due : ask;
}

static void
tell_refused(struct dlk_fetch *fetch, size_t i)
{
	if (!fetch->try[i].told)
		dlk_say(DLK_WARNING, "%s: not fetched: only http and https are asked",
		    fetch->urls.url[i].url);
	fetch->try[i].told = true;
}

static int64_t
look_at_each(struct dlk_fetch *fetch, const struct dlk_engine *engine)
{
	int64_t soonest = LOOK_S;

	for (size_t i = 0; i < fetch->n && !dlk_sleeper_is_ending(&fetch->sleeper); i++) {
		if (fetch->urls.url[i].refused) {
			tell_refused(fetch, i);
			continue;
		}
		int64_t wait = wait_of(fetch, engine, i);
		if (wait == 0) {
			fetch_one(fetch, engine, i);
			wait = wait_of(fetch, engine, i);
		}
		soonest = wait < soonest ? wait : soonest;
	}
	return soonest > 0 ? soonest : 1;
}

static void
give_to_others(struct dlk_fetch *fetch, const struct dlk_engine *engine)
{
	struct dlk_exported exported;
	char path[PATH_MAX];
	int r =
	    dlk_export(engine, &fetch->urls, fetch->owner, dlk_clock_now(), &exported, path);

	/* a file that changed just now is looked at again */
	if (r < 0 && r != -EAGAIN)
		dlk_say(
		    DLK_WARNING, "%s: %s: what stands there stays", path, dlk_file_error(r));
	if (exported.lists_changed)
		dlk_say(DLK_NOTICE, "%s/" DLK_EXPORT_LISTS ": %zu lists for others to read",
		    dlk_engine_settings(engine)->export, exported.lists);
	if (exported.keys_changed)
		dlk_say(DLK_NOTICE, "%s/" DLK_EXPORT_KEYS ": %zu keys for sshd to refuse",
		    dlk_engine_settings(engine)->export, exported.keys);
}

static int
prepare(struct dlk_fetch *fetch, const struct dlk_settings *settings)
{
	int r = dlk_refresh_prepare(settings);

	if (r < 0) {
		dlk_say(DLK_ERROR, "%s: %s", settings->index, dlk_file_error(r));
		return r;
	}
	if (!fetch->swept)
		(void)dlk_crlindex_sweep(settings->index);
	fetch->swept = true;
	return 0;
}

/* Seconds until the next look. A configuration that is broken is the reload's to tell. */
static int64_t
look(struct dlk_fetch *fetch)
{
	DLK_AUTO_ENGINE *engine = NULL;
	struct dlk_finding finding;

	if (dlk_engine_open(fetch->config, DLK_ENGINE_TRUST, fetch->owner, &engine, &finding) <
	    0)
		return LOOK_S;
	const struct dlk_settings *settings = dlk_engine_settings(engine);
	(void)dlk_text_copy(fetch->store, sizeof(fetch->store), settings->store);
	int r = dlk_crl_urls_collect(&fetch->urls, engine, fetch->owner, dlk_clock_now());
	if (r < 0)
		dlk_say(DLK_WARNING, "%s: %s: distribution points in it are not known",
		    settings->certificates, dlk_file_error(r));
	line_up(fetch);
	fetch->renewed = false;
	give_to_others(fetch, engine);
	if (fetch->n == 0 || prepare(fetch, settings) < 0)
		return LOOK_S;
	int64_t next = look_at_each(fetch, engine);
	dlk_outward_end(fetch->outward);
	if (r == 0)
		dlk_prune(settings, &fetch->urls, dlk_clock_now());
	return fetch->renewed && settings->export ? 1 : next;
}

/* The record's log was written to since the last look, and has a list that was not wanted
 * before. */
static bool
wants_more(struct dlk_fetch *fetch)
{
	struct dlk_finding ignored = { 0 };
	DLK_AUTO_RECORD *record = NULL;
	char log[PATH_MAX + 8];
	struct stat st;
	int64_t latest = 0;

	dlk_text_print(log, sizeof(log), "%s-wal", fetch->store);
	if (!fetch->store[0] || stat(log, &st) < 0 ||
	    (st.st_mtim.tv_sec == fetch->stored.tv_sec &&
		st.st_mtim.tv_nsec == fetch->stored.tv_nsec))
		return false;
	fetch->stored = st.st_mtim;
	return dlk_record_open(fetch->store, NULL, &record, &ignored) == 0 &&
	       dlk_wanted_latest(record, &latest) == 0 && latest > fetch->urls.latest;
}

static void
rest(struct dlk_fetch *fetch, int64_t seconds)
{
	while (seconds > 0) {
		int64_t step = seconds < WANTED_S ? seconds : WANTED_S;
		if (dlk_sleeper_rest(&fetch->sleeper, step) || wants_more(fetch))
			return;
		seconds -= step;
	}
}

static void *
run(void *arg)
{
	struct dlk_fetch *fetch = arg;

	while (!dlk_sleeper_is_ending(&fetch->sleeper))
		rest(fetch, look(fetch));
	return NULL;
}

int
dlk_fetch_new(const char *config, uid_t owner, const struct dlk_keeper *keeper,
    struct dlk_courier *courier, struct dlk_fetch **ret_fetch)
{
	struct dlk_fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return -ENOMEM;
	fetch->config = config;
	fetch->owner = owner;
	fetch->courier = courier;
	(void)!getrandom(&fetch->random, sizeof(fetch->random), 0);
	int r = dlk_outward_new(keeper, "downloads", is_ending, fetch, &fetch->outward);
	if (r == 0)
		r = dlk_sleeper_start(&fetch->sleeper, run, fetch);
	if (r < 0) {
		dlk_outward_free(fetch->outward);
		free(fetch);
		return r;
	}
	*ret_fetch = fetch;
	return 0;
}

void
dlk_fetch_wake(struct dlk_fetch *fetch)
{
	dlk_sleeper_wake(&fetch->sleeper);
}

void
dlk_fetch_free(struct dlk_fetch *fetch)
{
	if (!fetch)
		return;
	dlk_sleeper_stop(&fetch->sleeper);
	dlk_outward_free(fetch->outward);
	dlk_crl_urls_fini(&fetch->urls);
	free(fetch);
}
