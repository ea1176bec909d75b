/* SPDX-License-Identifier: MIT */
/*
 * crlcompile.c - makes index files: aside, whole and on the disk before it has its name. It
 * judges no list beyond its form.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "core/crlfile.h"
#include "core/crlimage.h"
#include "store/crlindex.h"
#include "store/indexhead.h"

#define TICK_NS          (10L * 1000 * 1000) /* times of files are coarser than the clock */
#define ASIDE            ".new"
#define NAMES_MOST       65536
#define WORTH_LAYING_OUT ((off_t)1024 * 1024)

struct making {
	const char *path, *index;
	const struct dlk_care *care;
	struct dlk_finding *finding;
	int source, dir, out;
	char aside[DLK_INDEX_NAME + 32];
	struct dlk_index_head head;
	bool unwritten;    /* an error is the index's, not the list's */
	uint64_t image_at; /* of the list that is being written */
	uint64_t written;
};

static int
trouble(const struct making *m, const char *path, int error)
{
	(void)dlk_find(m->finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%s: %s", path,
	    dlk_file_error(error));
	return error;
}

static int
broken(const struct making *m, const char *rule)
{
	(void)dlk_find(
	    m->finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN, "%s: %s", m->path, rule);
	return -EBADMSG;
}

static int
write_at(int fd, uint64_t at, struct dlk_bytes what)
{
	while (what.n > 0) {
		ssize_t n = pwrite(fd, what.p, what.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (uint64_t)n;
		what = DLK_BYTES(what.p + n, what.n - (size_t)n);
	}
	return 0;
}

static int
append(void *ctx, struct dlk_bytes what)
{
	struct making *m = ctx;
	int r = write_at(m->out, m->written, what);

	if (r == 0)
		m->written += what.n;
	m->unwritten = r < 0;
	return r;
}

static int
rewrite(void *ctx, struct dlk_bytes first)
{
	const struct making *m = ctx;

	return write_at(m->out, m->image_at, first);
}

/* Each process has a name of its own; the lock tells a sweeper that somebody is at work. */
static int
open_aside(struct making *m)
{
	char name[DLK_INDEX_NAME];
	struct stat st;
	int r = dlk_index_name(m->path, name);

	if (r < 0)
		return r;
	dlk_text_print(m->aside, sizeof(m->aside), "%s.%ld" ASIDE, name, (long)getpid());
	if (unlinkat(m->dir, m->aside, 0) < 0 && errno != ENOENT)
		return -errno;
	m->out =
	    openat(m->dir, m->aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (m->out < 0)
		return -errno;
	if (flock(m->out, LOCK_EX) < 0 || fchmod(m->out, 0644) < 0 || fstat(m->out, &st) < 0)
		return -errno;
	return st.st_nlink == 0 ? -EAGAIN : 0; /* a sweeper was faster than the lock */
}

static int
compile_one(struct making *m, const struct dlk_octet_source *list)
{
	const struct dlk_octet_target target = {
		.at = m->written, .append = append, .rewrite = rewrite, .ctx = m
	};
	const char *rule = NULL;
	uint64_t size;

	if (m->head.n == DLK_INDEX_IMAGES)
		return -EOPNOTSUPP;
	m->image_at = m->written;
	int r = dlk_crlimage_compile(list, &target, NULL, &size, &rule);
	if (r == -EBADMSG)
		return broken(m, rule);
	if (r < 0)
		return r == -EOPNOTSUPP ? r : trouble(m, m->unwritten ? m->index : m->path, r);
	m->head.image[m->head.n].at = m->image_at;
	m->head.image[m->head.n++].n = size;
	return 0;
}

/* An image is shorter than its list. What is laid out at once costs less than what grows;
 * where it cannot be, writing will say why. */
static void
reserve(const struct making *m)
{
	struct stat st;

	if (fstat(m->source, &st) == 0 && st.st_size > WORTH_LAYING_OUT)
		(void)!fallocate(m->out, 0, 0, st.st_size / 4 * 3);
}

static int
compile_each(struct making *m)
{
	static const uint8_t nothing[DLK_INDEX_HEAD];
	const struct dlk_octet_source source = dlk_fd_source(&m->source);
	DLK_AUTO_CRLFILE *file = NULL;
	struct dlk_octet_source list;
	int r;

	reserve(m);
	r = append(m, DLK_BYTES(nothing, sizeof(nothing)));
	if (r == 0)
		r = dlk_crlfile_new(&source, &file);
	if (r < 0)
		return trouble(m, m->index, r);
	while (r >= 0 && (r = dlk_crlfile_next(file, &list)) == 1)
		r = compile_one(m, &list);
	if (r == 0 && m->head.n == 0)
		return broken(m, "there is no X.509 CRL in it");
	return r;
}

/* A write within the same tick of the clock would leave a file's times as they are: no index
 * is made before the tick is over. */
static void
outlast_tick(const struct dlk_file_identity *identity)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	struct timespec now;

	for (int i = 0; i < 3; i++) {
		clock_gettime(CLOCK_REALTIME, &now);
		int64_t since = (now.tv_sec - identity->changed_s) * 1000000000 + now.tv_nsec -
				identity->changed_ns;
		if (since > 2 * TICK_NS || since < 0)
			return;
		nanosleep(&tick, NULL);
	}
}

static int
write_head(struct making *m)
{
	struct dlk_file_identity identity;
	uint8_t head[DLK_INDEX_HEAD];
	struct stat st;

	outlast_tick(&m->head.source);
	if (fstat(m->source, &st) < 0)
		return -errno;
	dlk_file_identify(&st, &identity);
	if (!dlk_file_identity_equal(&identity, &m->head.source))
		return -EAGAIN;
	m->head.size = m->written;
	if (ftruncate(m->out, (off_t)m->written) < 0)
		return -errno;
	int r = dlk_index_head_encode(&m->head, head);
	if (r == 0)
		r = write_at(m->out, 0, DLK_BYTES(head, sizeof(head)));
	return r == 0 && fsync(m->out) < 0 ? -errno : r;
}

/* The lists can be used, and not only read: what a judgement would find wrong is said here. */
static int
check_lists(const struct making *m)
{
	struct dlk_finding why = { 0 };
	struct dlk_crls *crls;
	int r = dlk_crls_new(&crls);

	if (r < 0)
		return r;
	r = dlk_crlindex_check(m->out, crls, &why);
	dlk_crls_free(crls);
	if (r == -EBADMSG)
		(void)dlk_find(m->finding, why.stage, why.reason, "%s", why.detail);
	return r;
}

static int
publish(const struct making *m)
{
	char name[DLK_INDEX_NAME];
	int r = dlk_index_name(m->path, name);

	if (r == 0 && renameat(m->dir, m->aside, m->dir, name) < 0)
		r = -errno;
	if (r == 0 && fsync(m->dir) < 0)
		r = -errno;
	return r < 0 ? trouble(m, m->index, r) : 0;
}

static int
make(struct making *m)
{
	int r = open_aside(m);

	if (r < 0)
		return trouble(m, m->index, r);
	r = compile_each(m);
	if (r == 0) {
		r = write_head(m);
		if (r < 0)
			(void)trouble(m, r == -EAGAIN ? m->path : m->index, r);
	}
	if (r == 0)
		r = check_lists(m);
	if (r == 0)
		r = publish(m);
	if (r < 0)
		unlinkat(m->dir, m->aside, 0);
	return r;
}

static int
open_both(struct making *m)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	struct stat st;
	int r = dlk_dir_open(m->index, &own, &m->dir);

	if (r < 0)
		return trouble(m, m->index, r);
	r = dlk_file_open(m->path, m->care, &m->source);
	if (r == 0 && fstat(m->source, &st) < 0)
		r = -errno;
	if (r < 0)
		return trouble(m, m->path, r);
	if (!dlk_text_copy(m->head.path, sizeof(m->head.path), m->path))
		return trouble(m, m->path, -ENAMETOOLONG);
	dlk_file_identify(&st, &m->head.source);
	return 0;
}

int
dlk_crlindex_compile(const char *path, const char *index, const struct dlk_care *care,
    enum dlk_crlindex_outcome *ret_outcome, struct dlk_finding *finding)
{
	struct making m = { .path = path,
		.index = index,
		.care = care,
		.finding = finding,
		.source = -1,
		.dir = -1,
		.out = -1 };
	int r = open_both(&m);

	*ret_outcome = DLK_CRLINDEX_CURRENT;
	if (r == 0 && !dlk_crlindex_is_sound(path, m.source, index)) {
		*ret_outcome = DLK_CRLINDEX_MADE;
		r = make(&m);
	}
	if (r == -EOPNOTSUPP) {
		*ret_outcome = DLK_CRLINDEX_IMPOSSIBLE;
		r = 0;
	}
	dlk_fd_close(&m.out);
	dlk_fd_close(&m.source);
	dlk_fd_close(&m.dir);
	return r;
}

static int
compile_dir(const char *path, const char *index, const struct dlk_care *care, size_t *ret_made,
    struct dlk_finding *finding)
{
	enum dlk_crlindex_outcome outcome;
	struct dlk_finding later = { 0 };
	char file[PATH_MAX];
	DLK_AUTO_FD dir = -1;
	char **names;
	size_t n;
	int first = 0, r = dlk_dir_open(path, care, &dir);

	if (r == 0)
		r = dlk_dir_list(dir, dlk_crl_suffixes, NAMES_MOST, &names, &n);
	if (r < 0) {
		(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%s: %s", path,
		    dlk_file_error(r));
		return r;
	}
	for (size_t i = 0; i < n; i++) {
		r = dlk_path_join(file, sizeof(file), path, names[i]);
		if (r == 0)
			r = dlk_crlindex_compile(
			    file, index, care, &outcome, first ? &later : finding);
		*ret_made += r == 0 && outcome == DLK_CRLINDEX_MADE;
		first = first ? first : r;
	}
	dlk_names_free(names, n);
	return first;
}

int
dlk_crlindex_compile_all(const char *path, const char *index, const struct dlk_care *care,
    size_t *ret_made, struct dlk_finding *finding)
{
	enum dlk_crlindex_outcome outcome;
	struct stat st;
	int r;

	*ret_made = 0;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return compile_dir(path, index, care, ret_made, finding);
	r = dlk_crlindex_compile(path, index, care, &outcome, finding);
	*ret_made = r == 0 && outcome == DLK_CRLINDEX_MADE;
	return r;
}

/* Left by a compiler that is not at work any more. */
static void
sweep_aside(int dir, const char *name)
{
	DLK_AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dir, name, 0);
}

static bool
source_is_gone(int fd)
{
	uint8_t octets[DLK_INDEX_HEAD];
	struct dlk_index_head head;
	struct stat st;

	if (fstat(fd, &st) < 0 || pread(fd, octets, sizeof(octets), 0) != sizeof(octets) ||
	    dlk_index_head_decode(
		DLK_BYTES(octets, sizeof(octets)), (uint64_t)st.st_size, &head) < 0)
		return true; /* no index at all */
	return access(head.path, F_OK) < 0 && errno == ENOENT;
}

static void
sweep_index(int dir, const char *name)
{
	DLK_AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && source_is_gone(fd))
		unlinkat(dir, name, 0);
}

static int
sweep_each(int dir, const char *suffix, void (*sweep)(int dir, const char *name))
{
	const char *const suffixes[] = { suffix, NULL };
	char **names;
	size_t n;
	int r = dlk_dir_list(dir, suffixes, NAMES_MOST, &names, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		sweep(dir, names[i]);
	dlk_names_free(names, n);
	return 0;
}

int
dlk_crlindex_sweep(const char *index)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	DLK_AUTO_FD dir = -1;
	int r = dlk_dir_open(index, &own, &dir);

	if (r == 0)
		r = sweep_each(dir, ASIDE, sweep_aside);
	return r < 0 ? r : sweep_each(dir, ".idx", sweep_index);
}
