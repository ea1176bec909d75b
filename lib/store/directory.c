/* SPDX-License-Identifier: MIT */
/* directory.c - the cache of a directory's certificates: USER/FINGERPRINT.pem, and .state. It
 * parses no certificate. */
#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "core/cert.h"
#include "core/der.h"
#include "core/digest.h"
#include "store/registry.h"

#define STATE     ".state"
#define STATE_MAX 1024

struct dlk_reading {
	char *cache;
	char **kept; /* "USER/FINGERPRINT.pem" */
	size_t n, room;
};

static bool
take_number(const char *text, const char *key, int64_t *ret_number)
{
	char number[24];
	const char *at = strstr(text, key);

	if (!at)
		return false;
	at += strlen(key);
	size_t n = strcspn(at, "\n");
	if (n >= sizeof(number))
		return false;
	memcpy(number, at, n);
	number[n] = '\0';
	return dlk_int_parse(number, 0, INT64_MAX, ret_number) == 0;
}

int
dlk_directory_state_load(const char *cache, struct dlk_directory_state *ret_state)
{
	struct dlk_directory_state state = { 0 };
	DLK_AUTO_BUF content = { 0 };
	char path[PATH_MAX];
	int error = dlk_path_join(path, sizeof(path), cache, STATE);

	if (error == 0)
		error = dlk_file_read(path, STATE_MAX, NULL, &content);
	if (error == 0)
		error = dlk_buf_add(&content, STATE_MAX + 1, DLK_BYTES("", 1));
	if (error != 0)
		return error;
	const char *text = (const char *)content.p;
	if (!take_number(text, "read ", &state.read) ||
	    !take_number(text, "tried ", &state.tried) ||
	    !take_number(text, "users ", &state.users) ||
	    !take_number(text, "certificates ", &state.certificates))
		return -EBADMSG;
	const char *words = strstr(text, "error ");
	if (words)
		dlk_text_escape(state.error, sizeof(state.error),
		    DLK_BYTES(words + 6, strcspn(words + 6, "\n")));
	*ret_state = state;
	return 0;
}

int
dlk_directory_state_save(const char *cache, const struct dlk_directory_state *state)
{
	char text[STATE_MAX];
	DLK_AUTO_FD fd = -1;
	int error = dlk_dir_open(cache, NULL, &fd);

	if (error != 0)
		return error;
	dlk_text_print(text, sizeof(text),
	    "read %" PRId64 "\ntried %" PRId64 "\nusers %" PRId64 "\ncertificates %" PRId64
	    "\n%s%s\n",
	    state->read, state->tried, state->users, state->certificates,
	    state->error[0] ? "error " : "", state->error);
	return dlk_file_replace(fd, STATE, 0600, dlk_bytes_str(text));
}

int
dlk_reading_new(const char *cache, struct dlk_reading **ret_reading)
{
	struct dlk_reading *reading = calloc(1, sizeof(*reading));

	if (reading)
		reading->cache = strdup(cache);
	if (!reading || !reading->cache) {
		dlk_reading_free(reading);
		return -ENOMEM;
	}
	if (mkdir(cache, 0700) != 0 && errno != EEXIST) {
		int error = -errno;
		dlk_reading_free(reading);
		return error;
	}
	*ret_reading = reading;
	return 0;
}

static int
remember(struct dlk_reading *r, const char *user, const char *fingerprint)
{
	char name[PATH_MAX];

	if (r->n == DLK_DIRECTORY_MOST)
		return -E2BIG;
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 256;
		char **more = reallocarray(r->kept, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->kept = more;
		r->room = room;
	}
	dlk_text_print(name, sizeof(name), "%.255s/%s.pem", user, fingerprint);
	r->kept[r->n] = strdup(name);
	if (!r->kept[r->n])
		return -ENOMEM;
	r->n++;
	return 0;
}

/* One element of DER, of a length that is read at all. */
static bool
may_be_certificate(struct dlk_bytes der)
{
	struct dlk_bytes rest = der;

	return der.n <= DLK_CERT_MAX && dlk_der_expect(&rest, DLK_DER_SEQUENCE, NULL) &&
	       rest.n == 0;
}

int
dlk_reading_add(struct dlk_reading *reading, const char *user, struct dlk_bytes der)
{
	char fingerprint[2 * DLK_DIGEST_SIZE + 1];
	uint8_t digest[DLK_DIGEST_SIZE];

	if (!dlk_text_is_account(dlk_bytes_str(user)) || !may_be_certificate(der))
		return -EINVAL;
	int error = dlk_digest_plain(der, digest);
	if (error != 0)
		return error;
	dlk_hex(DLK_BYTES(digest, sizeof(digest)), fingerprint);
	error = remember(reading, user, fingerprint);
	if (error == 0)
		error = dlk_registry_put(reading->cache, user, fingerprint, der);
	return error == -EEXIST ? 0 : error;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_kept(const struct dlk_reading *r, const char *user, const char *file)
{
	char name[PATH_MAX], *key = name;

	dlk_text_print(name, sizeof(name), "%.255s/%.255s", user, file);
	return r->n > 0 && bsearch(&key, r->kept, r->n, sizeof(*r->kept), compare) != NULL;
}

static void
sort(struct dlk_reading *r)
{
	size_t n = 0;

	if (r->n > 0)
		qsort(r->kept, r->n, sizeof(*r->kept), compare);
	for (size_t i = 0; i < r->n; i++) {
		if (n > 0 && strcmp(r->kept[n - 1], r->kept[i]) == 0)
			free(r->kept[i]);
		else
			r->kept[n++] = r->kept[i];
	}
	r->n = n;
}

struct names {
	char **name;
	size_t n;
};

static void
names_fini(struct names *names)
{
	dlk_names_free(names->name, names->n);
}
#define AUTO_NAMES __attribute__((cleanup(names_fini))) struct names

static const char *const any[] = { "", NULL };

/* A user's directory without what was not added; the directory itself where nothing is left.
 */
static int
sweep_user(const struct dlk_reading *r, int cache, const char *user, int64_t *left)
{
	AUTO_NAMES names = { 0 };
	DLK_AUTO_FD fd = openat(cache, user, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error =
	    fd < 0 ? -errno : dlk_dir_list(fd, any, DLK_DIRECTORY_MOST, &names.name, &names.n);

	*left = 0;
	for (size_t i = 0; i < names.n && error == 0; i++) {
		if (is_kept(r, user, names.name[i]))
			(*left)++;
		else if (unlinkat(fd, names.name[i], 0) != 0 && errno != ENOENT)
			error = -errno;
	}
	if (error == 0 && *left == 0 && unlinkat(cache, user, AT_REMOVEDIR) != 0)
		error = -errno;
	return error;
}

int
dlk_reading_end(struct dlk_reading *reading, struct dlk_directory_state *state)
{
	AUTO_NAMES users = { 0 };
	DLK_AUTO_FD fd = -1;
	int error = dlk_dir_open(reading->cache, NULL, &fd);

	sort(reading);
	state->users = state->certificates = 0;
	if (error == 0)
		error = dlk_dir_list(fd, any, DLK_DIRECTORY_MOST, &users.name, &users.n);
	for (size_t i = 0; i < users.n; i++) {
		int64_t left;
		int one = sweep_user(reading, fd, users.name[i], &left);
		error = error ? error : one;
		state->users += left > 0;
		state->certificates += left;
	}
	return error;
}

void
dlk_reading_free(struct dlk_reading *reading)
{
	if (!reading)
		return;
	for (size_t i = 0; i < reading->n; i++)
		free(reading->kept[i]);
	free(reading->kept);
	free(reading->cache);
	free(reading);
}
