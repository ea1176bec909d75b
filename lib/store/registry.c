/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the files below certs.d/USER.
 *
 * It knows names of files and who may have written them. Whether a certificate is good, and
 * whom it names, is not asked here.
 */
#include "store/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "core/pem.h"

#define FILES_MAX 256
#define FILE_MAX  (256 * 1024)

static const char *const suffixes[] = { ".pem", NULL };

struct names {
	char **name;
	size_t n;
};

static void
names_fini(struct names *names)
{
	dlk_names_free(names->name, names->n);
}

/* A user whose name could lead out of the registry has no directory in it. */
static bool
has_directory(const char *user)
{
	return dlk_text_is_name(user) && user[0] != '.' && !strchr(user, '/');
}

static int
user_path(const char *dir, const char *user, char path[PATH_MAX])
{
	return has_directory(user) ? dlk_path_join(path, PATH_MAX, dir, user) : -ENOENT;
}

static int
fault(struct dlk_finding *finding, const char *path, const char *name, int error)
{
	(void)dlk_find(finding, DLK_STAGE_PARSE, DLK_R_FAULT_CONFIG, "%s%s%s: %s", path,
	    name ? "/" : "", name ? name : "", dlk_file_error(error));
	return error;
}

/* What is wrong with one file alone; anything else is a fault of the whole. */
static bool
is_skipped(int error)
{
	return error == -ENOENT || error == -EFBIG || error == -DLK_EFTYPE;
}

static int
read_file(int dir, const char *name, const struct dlk_care *care, struct dlk_certs *certs,
    struct dlk_finding *finding)
{
	DLK_AUTO_BUF content = { 0 };
	DLK_AUTO_FD fd = -1;

	int r = dlk_file_open_at(dir, name, care, &fd);
	if (r == 0)
		r = dlk_fd_read(fd, FILE_MAX, &content);
	if (r < 0)
		return r;
	r = dlk_certs_parse_file(dlk_bytes_of(&content), DLK_REGISTERED_MAX, certs, finding);
	return r < 0 ? r : 0;
}

typedef int registry_visitor(const char *name, const struct dlk_certs *certs,
    const struct dlk_finding *finding, void *arg);

/* Who looks at the files of one user. */
struct visit {
	const struct dlk_care *care;
	struct dlk_known *known;
	registry_visitor *each;
	void *arg;
};

static int
visit(const struct visit *v, int dir, const char *path, const char *name,
    struct dlk_finding *finding)
{
	DLK_AUTO_CERTS certs = { .known = v->known };
	struct dlk_finding own = { 0 }, named;

	int r = read_file(dir, name, v->care, &certs, &own);
	if (r < 0 && !is_skipped(r))
		return fault(finding, path, name, r);
	if (r < 0)
		(void)dlk_find(&own, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED, "%s",
		    dlk_file_error(r));
	named = (struct dlk_finding){ 0 };
	if (own.reason != DLK_R_UNDECIDED)
		(void)dlk_find(
		    &named, own.stage, own.reason, "%s/%s: %.300s", path, name, own.detail);
	return v->each(name, &certs, &named, v->arg);
}

static int
visit_all(
    const struct visit *v, const char *dir, const char *user, struct dlk_finding *finding)
{
	__attribute__((cleanup(names_fini))) struct names names = { 0 };
	DLK_AUTO_FD fd = -1;
	char path[PATH_MAX];

	int r = user_path(dir, user, path);
	if (r == 0)
		r = dlk_dir_open(path, v->care, &fd);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = dlk_dir_list(fd, suffixes, FILES_MAX, &names.name, &names.n);
	if (r < 0)
		return fault(finding, path, NULL, r);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = visit(v, fd, path, names.name[i], finding);
	return r;
}

int
dlk_registry_each(const char *dir, const char *user, const struct dlk_care *care,
    registry_visitor *each, void *arg, struct dlk_finding *finding)
{
	const struct visit v = { .care = care, .each = each, .arg = arg };

	return visit_all(&v, dir, user, finding);
}

struct gathering {
	struct dlk_certs *certs;
	struct dlk_finding *finding;
};

static int
gather(const char *name, const struct dlk_certs *certs, const struct dlk_finding *finding,
    void *arg)
{
	struct gathering *all = arg;

	(void)name;
	if (finding->reason != DLK_R_UNDECIDED && all->finding)
		*all->finding = *finding;
	for (size_t i = 0; i < certs->n && all->certs->n < DLK_REGISTERED_MAX; i++) {
		int r = dlk_certs_add(all->certs, dlk_cert_ref(certs->cert[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

int
dlk_registry_load(const char *dir, const char *user, const struct dlk_care *care,
    struct dlk_certs *certs, struct dlk_finding *finding)
{
	struct gathering all = { .certs = certs, .finding = finding };
	const struct visit v = {
		.care = care, .known = certs->known, .each = gather, .arg = &all
	};

	return visit_all(&v, dir, user, finding);
}

static bool
is_hex(const char *text, size_t least, size_t most)
{
	size_t n = strlen(text);

	return n >= least && n <= most && strspn(text, "0123456789abcdefABCDEF") == n;
}

int
dlk_registry_put(
    const char *dir, const char *user, const char *fingerprint, struct dlk_bytes der)
{
	DLK_AUTO_BUF pem = { 0 };
	DLK_AUTO_FD fd = -1;
	char path[PATH_MAX], name[DLK_REGISTRY_NAME];

	if (!is_hex(fingerprint, DLK_FINGERPRINT_HEX, DLK_FINGERPRINT_HEX) ||
	    !has_directory(user))
		return -EINVAL;
	int r = user_path(dir, user, path);
	if (r < 0)
		return r;
	/* chmod: the reader is another user, whatever the operator's umask is */
	if (mkdir(path, 0755) == 0 ? chmod(path, 0755) != 0 : errno != EEXIST)
		return -errno;
	r = dlk_dir_open(path, NULL, &fd);
	if (r < 0)
		return r;
	dlk_text_print(name, sizeof(name), "%s.pem", fingerprint);
	if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	r = dlk_pem_certificate(der, &pem);
	return r < 0 ? r : dlk_file_replace(fd, name, 0644, dlk_bytes_of(&pem));
}

int
dlk_registry_add(const char *dir, const char *user, const struct dlk_cert *cert)
{
	return dlk_registry_put(
	    dir, user, dlk_cert_fingerprint_text(cert), dlk_cert_der(cert));
}

struct search {
	const char *fingerprint;
	size_t n, found;
	char *name;
};

static int
match(const char *name, const struct dlk_certs *certs, const struct dlk_finding *finding,
    void *arg)
{
	struct search *search = arg;
	const char *text = certs->n > 0 ? dlk_cert_fingerprint_text(certs->cert[0]) : name;

	(void)finding;
	if (strncasecmp(text, search->fingerprint, search->n) != 0)
		return 0;
	search->found++;
	return dlk_text_copy(search->name, DLK_REGISTRY_NAME, name) ? 0 : -ENAMETOOLONG;
}

int
dlk_registry_find(const char *dir, const char *user, const struct dlk_care *care,
    const char *fingerprint, char *ret_name)
{
	struct search search = {
		.fingerprint = fingerprint, .n = strlen(fingerprint), .name = ret_name
	};

	if (!is_hex(fingerprint, 8, DLK_FINGERPRINT_HEX))
		return -EINVAL;
	int r = dlk_registry_each(dir, user, care, match, &search, NULL);
	if (r < 0)
		return r;
	return search.found == 1 ? 0 : search.found == 0 ? -ENOENT : -ENOTUNIQ;
}

int
dlk_registry_unlink(const char *dir, const char *user, const char *name)
{
	DLK_AUTO_FD fd = -1;
	char path[PATH_MAX];

	if (strchr(name, '/') || name[0] == '.')
		return -EINVAL;
	int r = user_path(dir, user, path);
	if (r == 0)
		r = dlk_dir_open(path, NULL, &fd);
	if (r < 0)
		return r;
	return unlinkat(fd, name, 0) == 0 ? 0 : -errno;
}

int
dlk_registry_remove(const char *dir, const char *user, const char *fingerprint)
{
	char name[DLK_REGISTRY_NAME];

	int r = dlk_registry_find(dir, user, NULL, fingerprint, name);
	return r < 0 ? r : dlk_registry_unlink(dir, user, name);
}
