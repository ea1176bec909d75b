/* SPDX-License-Identifier: MIT */
/*
 * serve.c - which part answers which message (outwire.h). What is asked for, when and why is
 * the agent's affair; what comes back is handed on as it came, in bounded pieces.
 */
#include "agent/outward/serve.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "agent/download.h"
#include "agent/outward/ldapread.h"
#include "agent/outward/post.h"
#include "base/file.h"
#include "base/text.h"
#include "wire/frame.h"

#define TALK_MS 60000 /* for the agent to take or say one message */

/* A directory that is open: what the library was told lies here. */
struct directory {
	struct dlk_ldap ldap;
	struct dlk_ldap_session *session;
	struct dlk_secret password;
	char url[DLK_OUT_URL_MAX + 1], base[DLK_OUT_TEXT_MAX + 1], user[DLK_OUT_TEXT_MAX + 1],
	    bind_dn[DLK_OUT_TEXT_MAX + 1], ca[64];
	int ca_fd;
};

struct server {
	int fd;
	struct dlk_out_files files;
	struct dlk_posts *posts;
	struct directory directory;
};

static int
say(const struct server *s, const struct dlk_out_message *message)
{
	DLK_AUTO_BUF frame = { 0 };
	int r = dlk_out_encode(message, &frame);

	return r ? r
		 : dlk_frame_send(s->fd, dlk_bytes_of(&frame), dlk_monotonic_ms() + TALK_MS);
}

static int
say_failed(const struct server *s, const char *words)
{
	const struct dlk_out_message failed = { .kind = DLK_OUT_FAILED,
		.text = { dlk_bytes_str(words[0] ? words : "no reason was given") } };

	return say(s, &failed);
}

static int
say_done(const struct server *s)
{
	return say(s, &(struct dlk_out_message){ .kind = DLK_OUT_DONE });
}

/* The agent has ended, or does not want to know any more. */
static bool
is_left(void *arg)
{
	const struct server *s = arg;
	struct pollfd fd = { .fd = s->fd, .events = POLLRDHUP };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static void
copy(char *out, size_t size, struct dlk_bytes text)
{
	dlk_text_print(out, size, "%.*s", (int)text.n, (const char *)text.p);
}

/* ---- a file ---- */

static int
hand_on(void *ctx, struct dlk_bytes octets)
{
	struct dlk_out_message data = { .kind = DLK_OUT_DATA };
	int r = 0;

	while (r == 0 && octets.n > 0) {
		size_t n = octets.n < DLK_OUT_DATA_MAX ? octets.n : DLK_OUT_DATA_MAX;
		data.text[0] = DLK_BYTES(octets.p, n);
		r = say(ctx, &data);
		octets.p += n;
		octets.n -= n;
	}
	return r;
}

static int
fetch(struct server *s, const struct dlk_out_message *m)
{
	char url[DLK_OUT_URL_MAX + 1], words[DLK_DOWNLOAD_WORDS];
	const struct dlk_download download = { .url = url,
		.fd = -1,
		.put = hand_on,
		.since = m->number[0],
		.anywhere = m->number[1] == 1,
		.stop = is_left,
		.ctx = s };
	int64_t modified = 0;

	copy(url, sizeof(url), m->text[0]);
	int r = dlk_download(&download, &modified, words);
	if (r == -ECANCELED)
		return -EPIPE;
	if (r < 0)
		return say_failed(s, words);
	const struct dlk_out_message fetched = { .kind = DLK_OUT_FETCHED,
		.number = { r, modified } };
	return say(s, &fetched);
}

/* ---- events ---- */

static int
take_event(struct server *s, const struct dlk_out_message *m)
{
	int r = s->posts ? 0 : dlk_posts_new(&s->files, &s->posts);

	return r ? r : dlk_posts_add(s->posts, m);
}

static int
say_result(void *ctx, const struct dlk_out_message *result)
{
	return say(ctx, result);
}

static int
carry(struct server *s)
{
	int r = s->posts ? dlk_posts_carry(s->posts, say_result, is_left, s) : 0;

	return r ? r : say_done(s);
}

/* ---- a directory ---- */

static void
close_directory(struct directory *d)
{
	dlk_ldap_close(d->session);
	d->session = NULL;
	dlk_secret_wipe(&d->password);
	dlk_fd_close(&d->ca_fd);
}

static int
open_directory(struct server *s, const struct dlk_out_message *m)
{
	struct directory *d = &s->directory;
	char words[DLK_LDAP_WORDS] = "";

	close_directory(d);
	copy(d->url, sizeof(d->url), m->text[0]);
	copy(d->base, sizeof(d->base), m->text[1]);
	copy(d->user, sizeof(d->user), m->text[2]);
	copy(d->bind_dn, sizeof(d->bind_dn), m->text[3]);
	int r = dlk_secret_set(&d->password, m->text[4]);
	if (r == 0)
		r = dlk_out_files_path(&s->files, DLK_OUT_CA, &d->ca_fd, d->ca);
	if (r < 0)
		return r;
	d->ldap = (struct dlk_ldap){ .url = d->url,
		.base = d->base,
		.user = d->user,
		.ca = d->ca,
		.bind_dn = d->bind_dn[0] ? d->bind_dn : NULL,
		.password = &d->password,
		.stop = is_left,
		.ctx = s };
	r = dlk_ldap_open(&d->ldap, &d->session, words);
	if (r == -ECANCELED)
		return -EPIPE;
	return r < 0 ? say_failed(s, words[0] ? words : dlk_file_error(r)) : say_done(s);
}

/* A value that is longer than any certificate is told of, and not handed on. */
static int
say_entry(void *arg, const char *user, struct dlk_bytes der)
{
	struct dlk_out_message entry = { .kind = DLK_OUT_ENTRY,
		.text = { dlk_bytes_str(user), der } };

	if (der.n > DLK_OUT_DER_MAX)
		entry.text[1] = dlk_bytes_str("");
	return say(arg, &entry);
}

static int
search(struct server *s, const struct dlk_out_message *m)
{
	char filter[DLK_OUT_TEXT_MAX + 1], words[DLK_LDAP_WORDS] = "";

	if (!s->directory.session)
		return -EBADMSG;
	copy(filter, sizeof(filter), m->text[0]);
	int r = dlk_ldap_read(s->directory.session, filter, say_entry, s, words);
	if (r == 0)
		return say_done(s);
	return words[0] ? say_failed(s, words) : r;
}

static int
answer(struct server *s, const struct dlk_out_message *m)
{
	switch (m->kind) {
	case DLK_OUT_FILE:
		return dlk_out_files_set(&s->files, m->number[0], m->text[0]);
	case DLK_OUT_FETCH:
		return fetch(s, m);
	case DLK_OUT_EVENT:
		return take_event(s, m);
	case DLK_OUT_CARRY:
		return carry(s);
	case DLK_OUT_OPEN:
		return open_directory(s, m);
	case DLK_OUT_SEARCH:
		return search(s, m);
	case DLK_OUT_READY:
	case DLK_OUT_DATA:
	case DLK_OUT_FETCHED:
	case DLK_OUT_RESULT:
	case DLK_OUT_ENTRY:
	case DLK_OUT_DONE:
	case DLK_OUT_FAILED:
		break;
	}
	return -EBADMSG;
}

/* Nothing to do is no reason to end. */
static int
next(struct server *s)
{
	struct pollfd fd = { .fd = s->fd, .events = POLLIN };
	struct dlk_out_message message;
	DLK_AUTO_BUF frame = { 0 };

	while (poll(&fd, 1, -1) < 0)
		if (errno != EINTR)
			return -errno;
	int r = dlk_frame_receive(s->fd, dlk_monotonic_ms() + TALK_MS, &frame);
	if (r == 0)
		r = dlk_out_decode(dlk_bytes_of(&frame), false, &message);
	return r ? r : answer(s, &message);
}

int
dlk_outward_serve(int fd)
{
	static struct server server; /* ends with the process */
	const struct dlk_out_message ready = { .kind = DLK_OUT_READY,
		.number = { DLK_OUT_PROTOCOL } };

	server.fd = fd;
	server.directory.ca_fd = -1;
	int r = say(&server, &ready);
	while (r == 0)
		r = next(&server);
	close_directory(&server.directory);
	dlk_posts_free(server.posts);
	dlk_out_files_fini(&server.files);
	return r == -EPIPE ? 0 : r;
}
