/* SPDX-License-Identifier: MIT */
/* anchors.c - reads trust and revocation lists from disk. It judges none of them. */
#include "store/anchors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/say.h"
#include "store/crlindex.h"

#define FILES_MOST 4096
#define FILE_MOST  ((size_t)16 * 1024 * 1024) /* of certificates */
#define CERTS_MOST 4096

static const char *const cert_names[] = { ".pem", ".crt", ".cer", ".der", NULL };

/* One walk over a file or a directory; `take` has each file, open. */
struct walk {
	const struct dlk_care *care;
	struct dlk_finding *finding;
	const char *const *names;
	int (*take)(struct walk *walk, int fd, const char *path);
	const char *index;
	struct dlk_trust *trust;
	struct dlk_crls *crls;
	unsigned set;
	size_t taken;
};

static int
trouble(const struct walk *walk, const char *path, int error)
{
	(void)dlk_find(walk->finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%s: %s", path,
	    dlk_file_error(error));
	return error;
}

static int
walk_dir(struct walk *walk, int dir, const char *path)
{
	char file[PATH_MAX];
	char **names;
	size_t n;
	int r = dlk_dir_list(dir, walk->names, FILES_MOST, &names, &n);

	if (r < 0)
		return trouble(walk, path, r);
	for (size_t i = 0; i < n && r >= 0; i++) {
		DLK_AUTO_FD fd = -1;
		r = dlk_path_join(file, sizeof(file), path, names[i]);
		if (r < 0)
			break;
		r = dlk_file_open_at(dir, names[i], walk->care, &fd);
		r = r < 0 ? trouble(walk, file, r) : walk->take(walk, fd, file);
	}
	dlk_names_free(names, n);
	return r;
}

static int
walk_path(struct walk *walk, const char *path)
{
	DLK_AUTO_FD fd = -1;
	struct stat st;

	if (stat(path, &st) < 0)
		return trouble(walk, path, -errno);
	int r = S_ISDIR(st.st_mode) ? dlk_dir_open(path, walk->care, &fd)
				    : dlk_file_open(path, walk->care, &fd);
	if (r < 0)
		return trouble(walk, path, r);
	return S_ISDIR(st.st_mode) ? walk_dir(walk, fd, path) : walk->take(walk, fd, path);
}

/* The trust has references of its own; `certs` stays the caller's. */
static int
keep(struct walk *walk, const struct dlk_certs *certs, bool anchors)
{
	int r = 0;

	for (size_t i = 0; i < certs->n && r == 0; i++) {
		r = anchors ? dlk_trust_add_anchor(walk->trust, walk->set, certs->cert[i])
			    : dlk_trust_add_intermediate(walk->trust, certs->cert[i]);
		walk->taken += r == 0;
	}
	return r;
}

static int
take_certs(struct walk *walk, int fd, const char *path, bool anchors)
{
	DLK_AUTO_CERTS certs = { 0 };
	struct dlk_finding why = { 0 };
	DLK_AUTO_BUF content = { 0 };
	int left_out = dlk_fd_read(fd, FILE_MOST, &content);

	if (left_out == 0)
		left_out =
		    dlk_certs_parse_file(dlk_bytes_of(&content), CERTS_MOST, &certs, &why);

	if (left_out < 0)
		return trouble(walk, path, left_out);
	if (left_out > 0 || certs.n == 0)
		dlk_say(DLK_WARNING, "%s: %s; left out", path, why.detail);
	int r = keep(walk, &certs, anchors);
	return r < 0 ? trouble(walk, path, r) : 0;
}

static int
take_anchors(struct walk *walk, int fd, const char *path)
{
	return take_certs(walk, fd, path, true);
}

static int
take_intermediates(struct walk *walk, int fd, const char *path)
{
	return take_certs(walk, fd, path, false);
}

/* -EFBIG is a list beyond all bounds, which is the list's fault. */
static int
refuse_list(struct walk *walk, const char *path, enum dlk_reason reason, int error,
    const struct dlk_finding *why)
{
	if (reason == DLK_R_FAULT_INTERNAL && error != -EFBIG)
		return trouble(walk, path, error < 0 ? error : -ENOMEM);
	dlk_say(DLK_WARNING, "%s; left out", why->detail);
	int r = dlk_crls_refuse(walk->crls, path, why->detail);
	return r < 0 ? trouble(walk, path, r) : 0;
}

static int
take_list(struct walk *walk, int fd, const char *path)
{
	const struct dlk_octet_source source = dlk_fd_source(&fd);
	struct dlk_finding why = { 0 };
	int r =
	    walk->index ? dlk_crlindex_load(path, fd, walk->index, walk->care, walk->crls) : 0;

	if (r < 0)
		return trouble(walk, path, r);
	if (r == 1)
		return 0;
	enum dlk_reason reason = dlk_crls_add_stream(walk->crls, &source, path, &r, &why);
	return reason == DLK_R_OK ? 0 : refuse_list(walk, path, reason, r, &why);
}

int
dlk_anchors_load(const char *path, unsigned set, const struct dlk_care *care,
    struct dlk_trust *trust, struct dlk_finding *finding)
{
	struct walk walk = { .care = care,
		.finding = finding,
		.names = cert_names,
		.take = take_anchors,
		.trust = trust,
		.set = set };
	int r = walk_path(&walk, path);

	if (r < 0 || walk.taken > 0)
		return r;
	(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
	    "%s: there is no usable certificate for a trust anchor in it", path);
	return -ENODATA;
}

int
dlk_intermediates_load(const char *path, const struct dlk_care *care, struct dlk_trust *trust,
    struct dlk_finding *finding)
{
	struct walk walk = { .care = care,
		.finding = finding,
		.names = cert_names,
		.take = take_intermediates,
		.trust = trust };

	return walk_path(&walk, path);
}

int
dlk_crls_load(const char *path, const char *index, const struct dlk_care *care,
    struct dlk_crls *crls, struct dlk_finding *finding)
{
	struct walk walk = { .care = care,
		.finding = finding,
		.names = dlk_crl_suffixes,
		.take = take_list,
		.index = index,
		.crls = crls };

	return walk_path(&walk, path);
}
