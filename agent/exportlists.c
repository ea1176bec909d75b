/* SPDX-License-Identifier: MIT */
/*
 * exportlists.c - lists of revocation as PEM. Each has a file that is named by the list, so
 * that what is there need not be written again; the file with all of them is put together
 * where one has come or gone. A list is copied from where it lies while it is read strictly
 * once more, and what is not the list that was judged is not put in place.
 */
#include "agent/export.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/text.h"
#include "core/crlfile.h"
#include "core/crlid.h"
#include "store/crlindex.h"

#define LISTS_MOST 1024
#define NAME       (2 * 16 + 5) /* digits of the list's digest, ".pem", NUL */
#define ASIDE      ".aside"
#define ROOM       ((size_t)48 * 1024)

static const char begin_line[] = "-----BEGIN X509 CRL-----\n";
static const char end_line[] = "-----END X509 CRL-----\n";

struct chosen {
	size_t at; /* in the set of lists */
	uint8_t id[DLK_CRLID_SIZE];
	char name[NAME];
};
struct lists {
	const struct dlk_crls *crls;
	struct chosen chosen[LISTS_MOST];
	size_t n;
	int dir; /* of the single files */
	bool changed;
};

/* ---- which ---- */

static const struct dlk_cert *
signer_of(const struct dlk_engine *engine, const struct dlk_crl_urls *urls, size_t i)
{
	const struct dlk_crls *crls = dlk_engine_crls(engine);
	const struct dlk_cert *ca;

	for (size_t n = 0; (ca = dlk_trust_ca_at(dlk_engine_trust(engine), n)); n++)
		if (dlk_crls_signed_by(crls, i, ca))
			return ca;
	for (size_t n = 0; n < urls->signers.n; n++)
		if (dlk_crls_signed_by(crls, i, urls->signers.cert[n]))
			return urls->signers.cert[n];
	return NULL;
}

static bool
is_whole(const struct dlk_crl_about *about, int64_t now)
{
	return !about->delta && !about->indirect && !about->partial &&
	       about->this_update <= now;
}

/* Numbers are hexadecimal without zeros in front. */
static bool
is_newer(const struct dlk_crl_about *a, const struct dlk_crl_about *b)
{
	size_t n = strlen(a->number), m = strlen(b->number);
	int order =
	    n > 0 && m > 0 ? (n != m ? (n > m ? 1 : -1) : strcmp(a->number, b->number)) : 0;

	return order != 0 ? order > 0 : a->this_update > b->this_update;
}

static bool
is_superseded(
    const struct dlk_crls *crls, size_t i, const struct dlk_cert *signer, int64_t now)
{
	struct dlk_crl_about about, other;

	dlk_crls_describe(crls, i, &about);
	for (size_t n = 0; n < dlk_crls_count(crls); n++) {
		dlk_crls_describe(crls, n, &other);
		/* of the same list twice the first one counts */
		if (n != i && is_whole(&other, now) && dlk_crls_signed_by(crls, n, signer) &&
		    (is_newer(&other, &about) || (n < i && !is_newer(&about, &other))))
			return true;
	}
	return false;
}

static int
choose(struct lists *l, const struct dlk_engine *engine, const struct dlk_crl_urls *urls,
    int64_t now)
{
	struct dlk_crl_about about;

	for (size_t i = 0; i < dlk_crls_count(l->crls) && l->n < LISTS_MOST; i++) {
		dlk_crls_describe(l->crls, i, &about);
		if (!is_whole(&about, now))
			continue;
		const struct dlk_cert *signer = signer_of(engine, urls, i);
		if (!signer || is_superseded(l->crls, i, signer, now))
			continue;
		struct chosen *chosen = &l->chosen[l->n];
		chosen->at = i;
		int r = dlk_crls_id(l->crls, i, chosen->id);
		if (r < 0)
			return r;
		dlk_hex(DLK_BYTES(chosen->id, 16), chosen->name);
		memcpy(chosen->name + 32, ".pem", 5);
		l->n++;
	}
	return 0;
}

static struct chosen *
find_named(struct lists *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->chosen[i].name, name) == 0)
			return &l->chosen[i];
	return NULL;
}

/* ---- one list, written while it is read ---- */

struct copy {
	const struct dlk_octet_source *from;
	EVP_ENCODE_CTX *encoding;
	int out;
};

static int
write_all(int fd, const void *octets, size_t n)
{
	const uint8_t *p = octets;

	while (n > 0) {
		ssize_t some = write(fd, p, n);
		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0)
			return some < 0 ? -errno : -EIO;
		p += some;
		n -= (size_t)some;
	}
	return 0;
}

static int
read_and_write(void *ctx, uint8_t *buf, size_t room, size_t *ret_n)
{
	const struct copy *copy = ctx;
	uint8_t text[ROOM / 48 * 65 + 128];
	int n = 0;
	int r = copy->from->read(copy->from->ctx, buf, room < ROOM ? room : ROOM, ret_n);

	if (r < 0 || *ret_n == 0)
		return r;
	if (EVP_EncodeUpdate(copy->encoding, text, &n, buf, (int)*ret_n) != 1)
		return -EIO;
	return write_all(copy->out, text, (size_t)n);
}

static int
ignore_list(void *ctx, size_t size)
{
	(void)ctx;
	(void)size;
	return 0;
}

static int
ignore_entries(void *ctx, const struct dlk_crl_entry *entry, size_t n)
{
	(void)ctx;
	(void)entry;
	(void)n;
	return 0;
}

/* 0 and the digest of the list that was written. */
static int
copy_list(const struct dlk_octet_source *list, int out, uint8_t *ret_id)
{
	static const struct dlk_crl_sink sink = { .begin = ignore_list,
		.entries = ignore_entries };
	struct copy copy = { .from = list, .encoding = EVP_ENCODE_CTX_new(), .out = out };
	const struct dlk_octet_source both = { .read = read_and_write, .ctx = &copy };
	DLK_AUTO_CRL_PARTS parts = { 0 };
	const char *rule;
	uint8_t last[128];
	int n = 0;

	if (!copy.encoding)
		return -ENOMEM;
	EVP_EncodeInit(copy.encoding);
	int r = write_all(out, begin_line, sizeof(begin_line) - 1);
	if (r == 0)
		r = dlk_crl_scan(&both, &sink, &parts, &rule);
	EVP_EncodeFinal(copy.encoding, last, &n);
	EVP_ENCODE_CTX_free(copy.encoding);
	if (r == 0)
		r = write_all(out, last, (size_t)n);
	if (r == 0)
		r = write_all(out, end_line, sizeof(end_line) - 1);
	return r < 0 ? r : dlk_crl_parts_id(&parts, ret_id);
}

static int
open_aside(int dir, int *ret_fd)
{
	if (unlinkat(dir, ASIDE, 0) < 0 && errno != ENOENT)
		return -errno;
	*ret_fd = openat(dir, ASIDE, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (*ret_fd < 0)
		return -errno;
	return fchmod(*ret_fd, 0644) < 0 ? -errno : 0;
}

static int
put_in_place(int dir, int fd, const char *name)
{
	if (fsync(fd) < 0 || renameat(dir, ASIDE, dir, name) < 0 || fsync(dir) < 0)
		return -errno;
	return 0;
}

static bool
is_there(const struct lists *l, const char *name)
{
	struct stat st;

	return fstatat(l->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size > 0;
}

/* One list of a file: kept where it is one of those that were chosen and is not there yet. */
static int
take_list(struct lists *l, const struct dlk_octet_source *list)
{
	uint8_t id[DLK_CRLID_SIZE];
	DLK_AUTO_FD fd = -1;
	int r = open_aside(l->dir, &fd);

	if (r == 0)
		r = copy_list(list, fd, id);
	if (r == -EBADMSG || r == -EFBIG)
		return 0; /* it was not judged good either */
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const struct chosen *chosen = &l->chosen[i];
		if (memcmp(chosen->id, id, sizeof(id)) != 0 || is_there(l, chosen->name))
			continue;
		l->changed = true;
		return put_in_place(l->dir, fd, chosen->name);
	}
	return r;
}

static int
take_file(struct lists *l, const char *path)
{
	const struct dlk_care care = { .owned = true, .owner = geteuid() };
	DLK_AUTO_CRLFILE *file = NULL;
	struct dlk_octet_source list;
	DLK_AUTO_FD fd = -1;
	int r = dlk_file_open(path, &care, &fd);
	const struct dlk_octet_source source = dlk_fd_source(&fd);

	if (r == 0)
		r = dlk_crlfile_new(&source, &file);
	while (r == 0 && (r = dlk_crlfile_next(file, &list)) == 1)
		r = take_list(l, &list);
	return r;
}

/* Files are read that have a list which is not there yet. */
static int
take_missing(struct lists *l)
{
	struct dlk_crl_about about;
	int r = 0;

	for (size_t i = 0; i < l->n && r == 0; i++) {
		if (is_there(l, l->chosen[i].name))
			continue;
		dlk_crls_describe(l->crls, l->chosen[i].at, &about);
		r = take_file(l, about.label);
		if (r == 0 && !is_there(l, l->chosen[i].name))
			r = -EAGAIN; /* the file has changed since it was loaded */
	}
	(void)unlinkat(l->dir, ASIDE, 0);
	return r;
}

/* ---- all of them ---- */

static int
drop_others(struct lists *l)
{
	static const char *const suffixes[] = { ".pem", NULL };
	char **names;
	size_t n;
	int r = dlk_dir_list(l->dir, suffixes, 65536, &names, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!find_named(l, names[i]))
			l->changed |= unlinkat(l->dir, names[i], 0) == 0;
	dlk_names_free(names, n);
	return 0;
}

static int
append_file(int out, int dir, const char *name)
{
	DLK_AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t buf[16384];
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	while (r == 0 && (n = read(fd, buf, sizeof(buf))) != 0)
		r = n < 0 ? -errno : write_all(out, buf, (size_t)n);
	return r;
}

static int
write_together(int dir, const struct lists *l)
{
	static const char *const suffixes[] = { ".pem", NULL };
	DLK_AUTO_FD fd = -1;
	char **names;
	size_t n;
	int r = open_aside(dir, &fd);

	if (r == 0)
		r = dlk_dir_list(l->dir, suffixes, 65536, &names, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = append_file(fd, l->dir, names[i]);
	dlk_names_free(names, n);
	if (r == 0)
		r = put_in_place(dir, fd, DLK_EXPORT_LISTS);
	(void)unlinkat(dir, ASIDE, 0);
	return r;
}

/* Whoever was interrupted between the two left the one with all of them behind. */
static bool
is_behind(int dir, const struct lists *l)
{
	struct stat each, all;

	if (fstat(l->dir, &each) < 0 || fstatat(dir, DLK_EXPORT_LISTS, &all, 0) < 0)
		return true;
	return all.st_mtim.tv_sec != each.st_mtim.tv_sec
		   ? all.st_mtim.tv_sec < each.st_mtim.tv_sec
		   : all.st_mtim.tv_nsec < each.st_mtim.tv_nsec;
}

int
dlk_export_lists(int dir, const struct dlk_engine *engine, const struct dlk_crl_urls *urls,
    int64_t now, struct dlk_exported *exported)
{
	struct lists l = { .crls = dlk_engine_crls(engine), .dir = -1 };

	if (mkdirat(dir, DLK_EXPORT_EACH, 0755) < 0 && errno != EEXIST)
		return -errno;
	DLK_AUTO_FD each =
	    openat(dir, DLK_EXPORT_EACH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (each < 0)
		return -errno;
	(void)fchmod(each, 0755);
	l.dir = each;
	int r = choose(&l, engine, urls, now);
	if (r < 0 || l.n == 0)
		return r; /* nothing at all is no reason to take away what was good */
	r = take_missing(&l);
	/* a file that cannot be read may have had what only stands here now */
	if (r == 0 && dlk_crls_refused(l.crls) == 0)
		r = drop_others(&l);
	if (r == 0 && (l.changed || is_behind(dir, &l)))
		r = write_together(dir, &l);
	exported->lists = l.n;
	exported->lists_changed = r == 0 && l.changed;
	return r;
}
