/* SPDX-License-Identifier: MIT */
/*
 * listen.c - makes or takes over listening sockets. It accepts nobody, and opens no socket
 * that another host could reach but those of tls:.
 */
#include "agent/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endpoint.h"
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

/* AF_UNIX, AF_INET or AF_INET6; 0 where it is no listening stream socket of these. */
static int
domain_of(int fd)
{
	int listening = 0, kind = 0, domain = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) < 0 || !listening ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &n) < 0 || kind != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0)
		return 0;
	return domain == AF_UNIX || domain == AF_INET || domain == AF_INET6 ? domain : 0;
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
		int domain = domain_of(fd);
		if (domain == 0)
			return wrong(
			    finding, -ENOTSOCK, "LISTEN_FDS", "not a listening stream socket");
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return wrong(finding, -errno, "LISTEN_FDS", "fcntl");
		found.speech[found.n] = next_name(&names);
		if (domain != AF_UNIX)
			found.speech[found.n] = DLK_SPEECH_TLS;
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
	for (size_t i = 0; i < n; i++)
		if (speech == DLK_SPEECH_HTTP ? inherited->speech[i] != DLK_SPEECH_TLS
					      : is_at(inherited->fd[i], path))
			return true;
	return false;
}

static bool
is_bound_to(int fd, const struct dlk_endpoint *wanted)
{
	struct dlk_endpoint is = { .n = sizeof(is.address) };

	return getsockname(fd, (struct sockaddr *)&is.address, &is.n) == 0 &&
	       dlk_endpoint_same(&is, wanted);
}

/* One that systemd has opened may be there already. */
static int
open_tcp(const struct dlk_endpoint *at, int *ret_fd)
{
	const int yes = 1;
	DLK_AUTO_FD fd =
	    socket(at->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -errno;
	if (at->address.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&at->address, at->n) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* What comes in on it has these from it. */
static int
prepare_tcp(int fd)
{
	const int yes = 1;
	const unsigned gone_ms = 30000;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms)) < 0)
		return -errno;
	return 0;
}

static int
add_tls(const char *where, struct dlk_listeners *all, size_t inherited,
    struct dlk_finding *finding)
{
	struct dlk_endpoint at;

	if (dlk_endpoint_parse(where, &at) < 0)
		return wrong(finding, -EINVAL, where, "want tls:ADDRESS:PORT");
	for (size_t i = 0; i < inherited; i++)
		if (all->speech[i] == DLK_SPEECH_TLS && is_bound_to(all->fd[i], &at))
			return prepare_tcp(all->fd[i]);
	if (all->n == DLK_LISTEN_MAX)
		return wrong(finding, -E2BIG, where, "between one and eight");
	int r = open_tcp(&at, &all->fd[all->n]);
	if (r < 0)
		return wrong(finding, r, where, "cannot be listened on");
	all->speech[all->n++] = DLK_SPEECH_TLS;
	return prepare_tcp(all->fd[all->n - 1]);
}

/* A socket of TCP that the configuration does not name might be one from when it did. */
static int
check_inherited(const struct dlk_strings *where, const struct dlk_listeners *all,
    size_t inherited, struct dlk_finding *finding)
{
	for (size_t i = 0; i < inherited; i++) {
		bool named = all->speech[i] != DLK_SPEECH_TLS;
		struct dlk_endpoint at;

		for (size_t w = 0; w < where->n && !named; w++)
			named = dlk_endpoint_parse(where->text[w], &at) == 0 &&
				is_bound_to(all->fd[i], &at);
		if (!named)
			return wrong(finding, -EINVAL, "LISTEN_FDS",
			    "a socket of TCP for which there is no listen=tls:");
	}
	return 0;
}

static int
add(const char *where, struct dlk_listeners *all, size_t inherited,
    struct dlk_finding *finding)
{
	size_t n = strcspn(where, ":");
	enum dlk_speech speech;

	if (strncmp(where, "tls:", 4) == 0)
		return add_tls(where, all, inherited, finding);
	if (!find_speech(DLK_BYTES(where, n), &speech) || strncmp(where + n, ":/", 2) != 0)
		return wrong(finding, -EINVAL, where,
		    "want unix:/PATH, spop:/PATH, fastcgi:/PATH or tls:ADDRESS:PORT");
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
	int r = check_inherited(where, listeners, inherited, finding);

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
