/* SPDX-License-Identifier: MIT */
/*
 * listen.c - makes or takes over listening sockets. It accepts nobody, and opens no socket
 * that another host could reach.
 */
#include "agent/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#define FIRST_INHERITED 3 /* SD_LISTEN_FDS_START */
#define BACKLOG         512

static int
wrong(struct dlk_finding *finding, int error, const char *path, const char *what)
{
	char shown[DLK_NAME_MAX + 1];

	dlk_text_escape(shown, sizeof(shown), dlk_bytes_str(path));
	dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "[agent] listen: %s: %s: %s",
	    shown, what, dlk_file_error(error));
	return error;
}

static bool
listens_on_unix(int fd)
{
	int listening = 0, kind = 0, domain = 0;
	socklen_t n = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) == 0 && listening &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &n) == 0 && kind == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX;
}

static const struct {
	const char *name;
	enum dlk_speech speech;
} speeches[] = { { "unix", DLK_SPEECH_HTTP }, { "spop", DLK_SPEECH_SPOP },
	{ "fastcgi", DLK_SPEECH_FASTCGI } };
#define SPEECHES (sizeof(speeches) / sizeof(speeches[0]))

static bool
find_speech(struct dlk_bytes name, enum dlk_speech *ret_speech)
{
	for (size_t i = 0; i < SPEECHES; i++) {
		if (!dlk_bytes_equal(name, dlk_bytes_str(speeches[i].name)))
			continue;
		*ret_speech = speeches[i].speech;
		return true;
	}
	return false;
}

/* The next of "name:name"; what has no name of ours is what it was before there were names. */
static enum dlk_speech
next_name(const char **names)
{
	enum dlk_speech speech = DLK_SPEECH_HTTP;
	size_t n = strcspn(*names, ":");

	(void)find_speech(DLK_BYTES(*names, n), &speech);
	*names += n + ((*names)[n] == ':');
	return speech;
}

int
dlk_listen_inherited(struct dlk_listeners *ret_listeners, struct dlk_finding *finding)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	struct dlk_listeners found = { 0 };
	int64_t n = 0, whose = 0;

	if (!names)
		names = "";
	if (pid && fds && dlk_int_parse(pid, 1, INT32_MAX, &whose) == 0 && whose == getpid() &&
	    dlk_int_parse(fds, 0, DLK_LISTEN_MAX, &n) < 0)
		return wrong(finding, -EINVAL, fds, "LISTEN_FDS");
	for (int fd = FIRST_INHERITED; fd < FIRST_INHERITED + (int)n; fd++) {
		if (!listens_on_unix(fd))
			return wrong(finding, -ENOTSOCK, "LISTEN_FDS",
			    "not a listening unix stream socket");
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return wrong(finding, -errno, "LISTEN_FDS", "fcntl");
		found.speech[found.n] = next_name(&names);
		found.fd[found.n++] = fd;
	}
	*ret_listeners = found;
	return 0;
}

static int
address_of(const char *path, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return dlk_text_copy(ret_address->sun_path, sizeof(ret_address->sun_path), path)
		   ? 0
		   : -ENAMETOOLONG;
}

static int
stream(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* 0 where nothing is there, or a socket that nobody answers on. */
static int
is_free(const char *path)
{
	struct sockaddr_un address;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	int r = address_of(path, &address);
	if (r < 0)
		return r;
	DLK_AUTO_FD fd = stream();
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
	    errno == EAGAIN)
		return -EADDRINUSE;
	return errno == ECONNREFUSED ? 0 : -errno;
}

/* /run is empty after each boot. Where this does not do it, bind() has the words. */
static void
make_directory(const char *path)
{
	char above[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (!dlk_text_copy(above, sizeof(above), path))
		return;
	*strrchr(above, '/') = '\0';
	if (above[0] != '\0' && mkdir(above, 0755) == 0)
		(void)chmod(above, 0755);
}

/* Under another name first: the path never leads to a socket that is not ready. */
static int
open_at(const char *path, int *ret_fd)
{
	char fresh[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_un address;

	dlk_text_print(fresh, sizeof(fresh), "%s.%d", path, (int)getpid());
	if (strlen(path) + sizeof(".4194304") > sizeof(fresh))
		return -ENAMETOOLONG;
	int r = address_of(fresh, &address);
	if (r < 0)
		return r;
	DLK_AUTO_FD fd = stream();
	if (fd < 0)
		return fd;
	make_directory(path);
	(void)unlink(fresh);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (listen(fd, BACKLOG) < 0 || chmod(fresh, 0666) < 0 || rename(fresh, path) < 0) {
		r = -errno;
		(void)unlink(fresh);
		return r;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int
open_one(const char *path, int *ret_fd, struct dlk_finding *finding)
{
	int r = is_free(path);

	if (r == -EADDRINUSE)
		return wrong(finding, r, path, "another agent answers there");
	if (r < 0)
		return wrong(finding, r, path, "is in the way");
	r = open_at(path, ret_fd);
	return r < 0 ? wrong(finding, r, path, "cannot be made") : 0;
}

static bool
is_at(int fd, const char *path)
{
	struct sockaddr_un address = { 0 };
	socklen_t n = sizeof(address) - 1;

	return getsockname(fd, (struct sockaddr *)&address, &n) == 0 &&
	       strcmp(address.sun_path, path) == 0;
}

static bool
is_there(
    const struct dlk_listeners *inherited, size_t n, enum dlk_speech speech, const char *path)
{
	if (speech == DLK_SPEECH_HTTP)
		return n > 0;
	for (size_t i = 0; i < n; i++)
		if (is_at(inherited->fd[i], path))
			return true;
	return false;
}

static int
add(const char *where, struct dlk_listeners *all, size_t inherited,
    struct dlk_finding *finding)
{
	size_t n = strcspn(where, ":");
	enum dlk_speech speech;

	if (!find_speech(DLK_BYTES(where, n), &speech) || strncmp(where + n, ":/", 2) != 0)
		return wrong(
		    finding, -EINVAL, where, "want unix:/PATH, spop:/PATH or fastcgi:/PATH");
	if (is_there(all, inherited, speech, where + n + 1))
		return 0;
	if (all->n == DLK_LISTEN_MAX)
		return wrong(finding, -E2BIG, where, "between one and eight");
	int r = open_one(where + n + 1, &all->fd[all->n], finding);
	if (r == 0)
		all->speech[all->n++] = speech;
	return r;
}

int
dlk_listen_open(const struct dlk_strings *where, struct dlk_listeners *listeners,
    struct dlk_finding *finding)
{
	size_t inherited = listeners->n;
	int r = 0;

	for (size_t i = 0; i < where->n && r == 0; i++)
		r = add(where->text[i], listeners, inherited, finding);
	if (r == 0 && listeners->n == 0)
		r = wrong(finding, -EINVAL, "", "between one and eight");
	while (r < 0 && listeners->n > inherited)
		close(listeners->fd[--listeners->n]);
	return r;
}

void
dlk_listeners_take(
    struct dlk_listeners *listeners, enum dlk_speech speech, struct dlk_listeners *ret_taken)
{
	struct dlk_listeners others = { 0 };

	*ret_taken = (struct dlk_listeners){ 0 };
	for (size_t i = 0; i < listeners->n; i++) {
		bool wanted = listeners->speech[i] == speech;
		struct dlk_listeners *to = wanted ? ret_taken : &others;
		to->fd[to->n] = listeners->fd[i];
		to->speech[to->n++] = listeners->speech[i];
	}
	*listeners = others;
}
