/* SPDX-License-Identifier: MIT */
/*
 * exportkeys.c - SSH keys of revoked certificates, one on a line, as sshd's RevokedKeys reads
 * them: a second stop, which does not ask us. It revokes nothing by itself.
 */
#include "agent/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "core/judge.h"
#include "core/sshkey.h"
#include "store/keystate.h"
#include "store/registry.h"

#define USERS_MAX 65536
#define FILE_MOST ((size_t)64 * 1024 * 1024)

static const char head[] =
    "# Keys of revoked certificates, for RevokedKeys in sshd_config. Written by doublelock.\n";

/* "TYPE BASE64", and what stands behind it. */
struct line {
	char *key, *comment;
};
struct keys {
	const struct dlk_engine *engine;
	int64_t now;
	const char *user;
	struct line *revoked;
	size_t n_revoked;
	struct line *good;
	size_t n_good;
};

static void
free_lines(struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(lines[i].key);
		free(lines[i].comment);
	}
	free(lines);
}

static void
keys_fini(struct keys *keys)
{
	free_lines(keys->revoked, keys->n_revoked);
	free_lines(keys->good, keys->n_good);
}

static int
add_line(struct line **lines, size_t *n, struct dlk_bytes key, const char *comment)
{
	struct line *more = reallocarray(*lines, *n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*lines = more;
	more[*n] = (struct line){ strndup((const char *)key.p, key.n), strdup(comment) };
	if (!more[*n].key || !more[*n].comment) {
		free(more[*n].key);
		free(more[*n].comment);
		return -ENOMEM;
	}
	++*n;
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

static int
by_all(const void *a, const void *b)
{
	int order = by_key(a, b);

	return order != 0 ? order
			  : strcmp(((const struct line *)a)->comment,
				((const struct line *)b)->comment);
}

static void
sort(struct line *lines, size_t n)
{
	if (n > 0)
		qsort(lines, n, sizeof(*lines), by_all);
}

static bool
holds(const struct line *lines, size_t n, const char *key)
{
	const struct line wanted = { .key = strdupa(key) };

	return n > 0 && bsearch(&wanted, lines, n, sizeof(*lines), by_key) != NULL;
}

/* ---- what is registered ---- */

static int
take_key(struct keys *keys, const struct dlk_cert *cert, bool revoked)
{
	DLK_AUTO_SSHKEY key = { .type = "" };
	DLK_AUTO_BUF text = { 0 };
	struct dlk_finding ignored = { 0 };
	char comment[DLK_NAME_MAX + 80];

	if (dlk_sshkey_of_cert(cert, &key, &ignored) != DLK_R_OK)
		return 0; /* no key that SSH knows */
	int r = dlk_sshkey_text(&key, &text);
	if (r < 0)
		return r;
	dlk_text_print(
	    comment, sizeof(comment), "%s %s", keys->user, dlk_cert_fingerprint_text(cert));
	return revoked
		   ? add_line(&keys->revoked, &keys->n_revoked, dlk_bytes_of(&text), comment)
		   : add_line(&keys->good, &keys->n_good, dlk_bytes_of(&text), "");
}

/* Neither revoked nor good, as where a list is missing, says nothing about the key. */
static int
take_registered(const char *name, const struct dlk_certs *certs,
    const struct dlk_finding *finding, void *arg)
{
	struct keys *keys = arg;
	const struct dlk_certs chain = { .cert = certs->cert + 1,
		.n = certs->n > 0 ? certs->n - 1 : 0 };
	struct dlk_judgement judgement;
	struct dlk_finding why = { 0 };

	(void)name;
	(void)finding;
	if (certs->n == 0)
		return 0;
	enum dlk_reason reason =
	    dlk_judge(dlk_engine_policy(keys->engine), NULL, dlk_engine_ports(keys->engine),
		certs->cert[0], &chain, false, keys->now, &judgement, &why);
	if (reason != DLK_R_OK && reason != DLK_R_REVOKED)
		return 0;
	return take_key(keys, certs->cert[0], reason == DLK_R_REVOKED);
}

static int
take_all_registered(struct keys *keys, uid_t owner)
{
	static const char *const any[] = { "", NULL };
	const struct dlk_care care = { .owned = true, .owner = owner };
	const char *certificates = dlk_engine_settings(keys->engine)->certificates;
	struct dlk_finding finding;
	DLK_AUTO_FD dir = -1;
	char **names;
	size_t n;
	int r = dlk_dir_open(certificates, &care, &dir);

	if (r == 0)
		r = dlk_dir_list(dir, any, USERS_MAX, &names, &n);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < n && r == 0; i++) {
		keys->user = names[i];
		if (dlk_text_is_name(names[i]))
			r = dlk_registry_each(
			    certificates, names[i], &care, take_registered, keys, &finding);
	}
	dlk_names_free(names, n);
	return r;
}

/* ---- what was judged ---- */

static int
take_state(const struct dlk_keystate *state, void *arg)
{
	struct keys *keys = arg;
	struct dlk_bytes key = dlk_bytes_str(state->key);

	return state->good ? add_line(&keys->good, &keys->n_good, key, "")
			   : add_line(&keys->revoked, &keys->n_revoked, key, state->name);
}

/* A record that is not there yet has judged nobody. */
static int
take_judged(struct keys *keys)
{
	DLK_AUTO_RECORD *record = NULL;
	struct dlk_finding ignored = { 0 };
	int r =
	    dlk_record_open(dlk_engine_settings(keys->engine)->store, NULL, &record, &ignored);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : dlk_keystates_each(record, keys->now, take_state, keys);
}

/* ---- what stands in the file ---- */

static int
take_line(struct keys *keys, char *line)
{
	char *blob = strchr(line, ' '), *comment = blob ? strchr(blob + 1, ' ') : NULL;

	if (line[0] == '#' || !blob)
		return 0;
	if (comment)
		*comment++ = '\0';
	return add_line(
	    &keys->revoked, &keys->n_revoked, dlk_bytes_str(line), comment ? comment : "");
}

static int
take_file(struct keys *keys, struct dlk_bytes content)
{
	const char *octets = content.n > 0 ? (const char *)content.p : "";
	char *text = strndup(octets, content.n), *save = NULL;
	int r = text ? 0 : -ENOMEM;

	for (char *line = r == 0 ? strtok_r(text, "\n", &save) : NULL; line && r == 0;
	     line = strtok_r(NULL, "\n", &save))
		r = take_line(keys, line);
	free(text);
	return r;
}

static int
render(struct keys *keys, struct dlk_buf *buf, size_t *ret_n)
{
	const char *before = "";
	int r = dlk_buf_add(buf, FILE_MOST, dlk_bytes_str(head));

	for (size_t i = 0; i < keys->n_revoked && r == 0; i++) {
		const struct line *line = &keys->revoked[i];
		if (strcmp(line->key, before) == 0 ||
		    holds(keys->good, keys->n_good, line->key))
			continue;
		before = line->key;
		++*ret_n;
		r = dlk_buf_add(buf, FILE_MOST, dlk_bytes_str(line->key));
		if (r == 0)
			r = dlk_buf_add(buf, FILE_MOST, dlk_bytes_str(" "));
		if (r == 0)
			r = dlk_buf_add(buf, FILE_MOST, dlk_bytes_str(line->comment));
		if (r == 0)
			r = dlk_buf_add(buf, FILE_MOST, dlk_bytes_str("\n"));
	}
	return r;
}

static int
read_old(int dir, struct dlk_buf *buf)
{
	static const struct dlk_care care = { .owned = false };
	DLK_AUTO_FD fd = -1;
	int r = dlk_file_open_at(dir, DLK_EXPORT_KEYS, &care, &fd);

	return r < 0 ? r : dlk_fd_read(fd, FILE_MOST, buf);
}

int
dlk_export_keys(int dir, const struct dlk_engine *engine, uid_t owner, int64_t now,
    struct dlk_exported *exported)
{
	__attribute__((cleanup(keys_fini))) struct keys keys = { .engine = engine,
		.now = now };
	DLK_AUTO_BUF old = { 0 }, new = { 0 };
	int there = read_old(dir, &old);
	int r = there == -ENOENT ? 0 : there;

	if (r == 0)
		r = take_all_registered(&keys, owner);
	if (r == 0)
		r = take_judged(&keys);
	if (r == 0)
		r = take_file(&keys, dlk_bytes_of(&old));
	sort(keys.revoked, keys.n_revoked);
	sort(keys.good, keys.n_good);
	if (r == 0)
		r = render(&keys, &new, &exported->keys);
	if (r < 0 || (there == 0 && dlk_bytes_equal(dlk_bytes_of(&old), dlk_bytes_of(&new))))
		return r;
	r = dlk_file_replace(dir, DLK_EXPORT_KEYS, 0644, dlk_bytes_of(&new));
	exported->keys_changed = r == 0;
	return r;
}
