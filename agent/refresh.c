/* SPDX-License-Identifier: MIT */
/*
 * refresh.c - who may take the place of a list that is held. When it is asked again is for
 * whoever calls; how it comes over the network is download.h's affair.
 */
#include "agent/refresh.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/lists.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/anchors.h"
#include "store/crlindex.h"

#define GUESTS_MOST    ((int64_t)512 * 1024 * 1024)
#define FILES_MOST     65536
#define PAUSE_SHORTEST 60
#define PAUSE_LONGEST  3600
#define ASK_LONGEST    (4 * 3600)

struct job {
	const struct dlk_refresh *refresh;
	const struct dlk_crl_url *url;
	const char *index;
	int64_t now;
	int dir, aside;
	char path[PATH_MAX];
	char aside_name[DLK_CRL_URL_NAME + 32];
	struct dlk_crls *held, *fresh;
	char *words;
};

int64_t
dlk_refresh_due_of(int64_t this_update, int64_t next_update, uint32_t random)
{
	int64_t span = next_update > this_update ? next_update - this_update : 0;

	return this_update + span / 4 * 3 - (int64_t)random % (span / 16 + 1);
}

int64_t
dlk_refresh_ask_after(uint32_t random)
{
	return ASK_LONGEST - (int64_t)random % (ASK_LONGEST / 8 + 1);
}

int64_t
dlk_refresh_pause(unsigned failures)
{
	int64_t pause = PAUSE_SHORTEST;

	for (unsigned i = 1; i < failures && pause < PAUSE_LONGEST; i++)
		pause *= 2;
	return pause < PAUSE_LONGEST ? pause : PAUSE_LONGEST;
}

int
dlk_refresh_prepare(const struct dlk_settings *settings)
{
	return mkdir(settings->index, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static void
free_crls(struct dlk_crls **crls)
{
	dlk_crls_free(*crls);
}
#define AUTO_CRLS __attribute__((cleanup(free_crls))) struct dlk_crls

/* The lists of the file; none where there is no file, or none that serves. 0 or -errno. */
static int
load_held(const char *path, const char *index, struct dlk_crls **ret_held)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	AUTO_CRLS *held = NULL;
	struct dlk_finding finding;
	int r = dlk_crls_new(&held);

	if (r == 0)
		r = dlk_crls_load(path, index, &own, held, &finding);
	if (r == -ENOENT || (r == 0 && dlk_crls_refused(held) > 0)) {
		dlk_crls_free(held);
		r = dlk_crls_new(&held);
	}
	if (r < 0)
		return r;
	*ret_held = held;
	held = NULL;
	return 0;
}

static int64_t
soonest(const struct dlk_crls *crls, uint32_t random)
{
	struct dlk_crl_about about;
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < dlk_crls_count(crls); i++) {
		dlk_crls_describe(crls, i, &about);
		int64_t one = dlk_refresh_due_of(about.this_update, about.next_update, random);
		due = one < due ? one : due;
	}
	return dlk_crls_count(crls) > 0 ? due : INT64_MIN;
}

int64_t
dlk_refresh_due(
    const struct dlk_settings *settings, const struct dlk_crl_url *url, uint32_t random)
{
	AUTO_CRLS *held = NULL;
	char path[PATH_MAX];

	if (dlk_path_join(path, sizeof(path), settings->index, url->name) < 0 ||
	    load_held(path, settings->index, &held) < 0)
		return INT64_MIN;
	return soonest(held, random);
}

static enum dlk_refreshed
fail(const struct job *job, const char *why)
{
	dlk_text_print(job->words, DLK_REFRESH_WORDS, "%s", why);
	return DLK_REFRESHED_FAILED;
}

/* The lock tells a sweeper that somebody is at work; -EAGAIN where the sweeper was faster. */
static int
try_aside(struct job *job)
{
	struct stat st;

	dlk_fd_close(&job->aside);
	if (unlinkat(job->dir, job->aside_name, 0) < 0 && errno != ENOENT)
		return -errno;
	job->aside = openat(job->dir, job->aside_name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (job->aside < 0 || flock(job->aside, LOCK_EX) < 0 || fstat(job->aside, &st) < 0)
		return -errno;
	return st.st_nlink == 0 ? -EAGAIN : 0;
}

static int
open_aside(struct job *job)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	int r = dlk_path_join(job->path, sizeof(job->path), job->index, job->url->name);

	if (r == 0)
		r = dlk_dir_open(job->index, &own, &job->dir);
	if (r < 0)
		return r;
	dlk_text_print(job->aside_name, sizeof(job->aside_name), "%s.%ld.new", job->url->name,
	    (long)getpid());
	r = -EAGAIN;
	for (int i = 0; i < 3 && r == -EAGAIN; i++)
		r = try_aside(job);
	return r;
}

/* What the server said of the file that is held; 0 for one that is to be replaced anyway. */
static int64_t
held_since(const struct job *job)
{
	struct stat st;

	if (dlk_crls_count(job->held) == 0 || fstatat(job->dir, job->url->name, &st, 0) < 0)
		return 0;
	return st.st_mtim.tv_sec;
}

static enum dlk_refreshed
judge_list(const struct job *job, size_t i)
{
	struct dlk_crl_about about;
	char when[DLK_TIME_TEXT];

	dlk_crls_describe(job->fresh, i, &about);
	if (!dlk_crl_urls_signed(
		job->refresh->urls, dlk_engine_trust(job->refresh->engine), job->fresh, i)) {
		dlk_text_print(job->words, DLK_REFRESH_WORDS,
		    "signed by no CA of the trust; its issuer is %s", about.issuer);
		return DLK_REFRESHED_FAILED;
	}
	bool early = about.this_update > job->now;
	if (!early && about.next_update > job->now)
		return DLK_REFRESHED_NEW;
	dlk_time_text(early ? about.this_update : about.next_update, when);
	dlk_text_print(job->words, DLK_REFRESH_WORDS, "the list of %s %s at %s", about.issuer,
	    early ? "begins" : "ended", when);
	return DLK_REFRESHED_FAILED;
}

/* Read strictly, and each of its lists is somebody's and serves now. */
static enum dlk_refreshed
judge_fresh(struct job *job)
{
	const struct dlk_octet_source source = dlk_fd_source(&job->aside);
	struct dlk_finding finding = { 0 };
	const char *label, *words;
	int error = 0;

	if (lseek(job->aside, 0, SEEK_SET) < 0 || dlk_crls_new(&job->fresh) < 0)
		return fail(job, strerror(errno));
	if (dlk_crls_add_stream(job->fresh, &source, "what was fetched", &error, &finding) !=
	    DLK_R_OK)
		return fail(job, finding.detail);
	if (dlk_crls_refused(job->fresh) > 0) {
		dlk_crls_refusal(job->fresh, 0, &label, &words);
		return fail(job, words);
	}
	for (size_t i = 0; i < dlk_crls_count(job->fresh); i++)
		if (judge_list(job, i) != DLK_REFRESHED_NEW)
			return DLK_REFRESHED_FAILED;
	return DLK_REFRESHED_NEW;
}

static bool
is_same(const struct dlk_crls *a, const struct dlk_crls *b)
{
	struct dlk_crl_about one, other;

	if (dlk_crls_count(a) != dlk_crls_count(b))
		return false;
	for (size_t i = 0; i < dlk_crls_count(a); i++) {
		dlk_crls_describe(a, i, &one);
		dlk_crls_describe(b, i, &other);
		if (strcmp(one.issuer, other.issuer) != 0 ||
		    strcmp(one.number, other.number) != 0 ||
		    one.this_update != other.this_update ||
		    one.next_update != other.next_update || one.entries != other.entries)
			return false;
	}
	return true;
}

/* Whatever is held, here or in a directory of the operator's, is not newer. */
static enum dlk_refreshed
judge_age(struct job *job)
{
	struct dlk_finding finding = { 0 };

	dlk_crls_free(job->held); /* another process may have been faster */
	job->held = NULL;
	int r = load_held(job->path, job->index, &job->held);
	if (r < 0)
		return fail(job, dlk_file_error(r));
	if (dlk_crls_may_replace(job->fresh, job->held, &finding) != DLK_R_OK ||
	    dlk_crls_are_newest(job->fresh, dlk_engine_crls(job->refresh->engine), &finding) !=
		DLK_R_OK)
		return fail(job, finding.detail);
	return is_same(job->fresh, job->held) ? DLK_REFRESHED_SAME : DLK_REFRESHED_NEW;
}

static bool
is_a_guests(const struct job *job)
{
	const struct dlk_engine *engine = job->refresh->engine;
	const struct dlk_cert *ca;

	if (job->url->configured)
		return false;
	for (size_t n = 0; (ca = dlk_trust_ca_at(dlk_engine_trust(engine), n)); n++)
		if (dlk_crls_signed_by(job->fresh, 0, ca))
			return false;
	return true;
}

static bool
is_of_the_trust(const struct job *job, const char *name)
{
	const struct dlk_engine *engine = job->refresh->engine;
	const struct dlk_crls *crls = dlk_engine_crls(engine);
	struct dlk_crl_about about;
	char path[PATH_MAX];

	if (dlk_path_join(path, sizeof(path), job->index, name) < 0)
		return false;
	for (size_t i = 0; i < dlk_crls_count(crls); i++) {
		dlk_crls_describe(crls, i, &about);
		if (strcmp(about.label, path) == 0 &&
		    !dlk_lists_is_guests(engine, i, about.label))
			return true;
	}
	return false;
}

/* What CAs that certificates have brought along may have fetched is bounded for all of them
 * together; what replaces a file counts in its place. */
static bool
has_room(const struct job *job)
{
	static const char *const suffixes[] = { ".crl", NULL };
	struct stat st;
	char **names = NULL;
	size_t n = 0;
	int64_t sum = fstat(job->aside, &st) == 0 ? st.st_size : GUESTS_MOST + 1;

	if (dlk_dir_list(job->dir, suffixes, FILES_MOST, &names, &n) < 0)
		return false;
	for (size_t i = 0; i < n && sum <= GUESTS_MOST; i++)
		if (strcmp(names[i], job->url->name) != 0 && !is_of_the_trust(job, names[i]) &&
		    fstatat(job->dir, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += st.st_size;
	dlk_names_free(names, n);
	return sum <= GUESTS_MOST;
}

/* The file's time is the server's: what to ask for the next time. 0 asks in every case. */
static enum dlk_refreshed
put(struct job *job, int64_t modified)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = modified } };

	if (flock(job->dir, LOCK_EX) < 0)
		return fail(job, strerror(errno));
	enum dlk_refreshed end = judge_age(job);
	if (end != DLK_REFRESHED_NEW)
		return end;
	if (is_a_guests(job) && !has_room(job))
		return fail(job, "the lists of CAs that certificates brought along would be "
				 "more than 512 MiB together");
	if (futimens(job->aside, times) < 0 || fsync(job->aside) < 0 ||
	    renameat(job->dir, job->aside_name, job->dir, job->url->name) < 0 ||
	    fsync(job->dir) < 0)
		return fail(job, strerror(errno));
	return DLK_REFRESHED_NEW;
}

/* A server that never has anything new is no reason to go on with a list that is over. */
static enum dlk_refreshed
judge_unchanged(const struct job *job)
{
	struct dlk_crl_about about;

	for (size_t i = 0; i < dlk_crls_count(job->held); i++) {
		dlk_crls_describe(job->held, i, &about);
		if (about.next_update <= job->now)
			return fail(job, "the server has nothing newer, and the list that is "
					 "held is over");
	}
	return DLK_REFRESHED_SAME;
}

static enum dlk_refreshed
fetch(struct job *job)
{
	const struct dlk_download download = { .url = job->url->url,
		.fd = job->aside,
		.since = held_since(job),
		.anywhere = job->url->configured,
		.stop = job->refresh->stop,
		.ctx = job->refresh->ctx };
	char words[DLK_DOWNLOAD_WORDS];
	int64_t modified = 0;
	int r = job->refresh->download(job->refresh->via, &download, &modified, words);

	if (r < 0) {
		(void)fail(job, words);
		return r == -ECANCELED ? DLK_REFRESHED_STOPPED : DLK_REFRESHED_FAILED;
	}
	if (r == 0)
		return judge_unchanged(job);
	enum dlk_refreshed end = judge_fresh(job);
	return end == DLK_REFRESHED_NEW ? put(job, modified) : end;
}

/* A list without an index is read at each login, and serves as well. */
static void
compile(const struct job *job)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	enum dlk_crlindex_outcome outcome;
	struct dlk_finding finding = { 0 };

	if (dlk_crlindex_compile(job->path, job->index, &own, &outcome, &finding) < 0)
		dlk_text_print(
		    job->words, DLK_REFRESH_WORDS, "not compiled: %s", finding.detail);
}

enum dlk_refreshed
dlk_refresh_one(
    const struct dlk_refresh *refresh, const struct dlk_crl_url *url, int64_t now, char *words)
{
	struct job job = { .refresh = refresh,
		.url = url,
		.index = dlk_engine_settings(refresh->engine)->index,
		.now = now,
		.dir = -1,
		.aside = -1,
		.words = words };

	words[0] = '\0';
	int r = open_aside(&job);
	if (r == 0)
		r = load_held(job.path, job.index, &job.held);
	enum dlk_refreshed end = r < 0 ? fail(&job, dlk_file_error(r)) : fetch(&job);
	if (job.aside >= 0 && end != DLK_REFRESHED_NEW)
		(void)unlinkat(job.dir, job.aside_name, 0);
	dlk_fd_close(&job.aside);
	dlk_fd_close(&job.dir);
	if (end == DLK_REFRESHED_NEW || end == DLK_REFRESHED_SAME)
		compile(&job);
	dlk_crls_free(job.held);
	dlk_crls_free(job.fresh);
	return end;
}
