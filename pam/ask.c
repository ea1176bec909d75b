/* SPDX-License-Identifier: MIT */
/* ask.c - one question, one answer, one deadline. Who judges is chosen by the caller of this
 * and proven here; what the answer means is not known here. */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/account.h"
#include "base/file.h"
#include "base/owner.h"
#include "base/text.h"
#include "child.h"
#include "outcome.h"
#include "wire/frame.h"

#ifndef DLK_USER
#define DLK_USER "doublelock"
#endif
#define END_MS 1000 /* for the helper's own end, after its answer */

/* root's, where there is no such account. */
static uid_t
agents_uid(void)
{
	char name[sizeof(DLK_USER)];
	uid_t uid;

	return dlk_account_find(DLK_USER, name, sizeof(name), &uid) == 0 ? uid : DLK_OWNER;
}

/* Each directory above the socket is root's or the agent's, so that nobody else can have put
 * their own socket there. */
static int
check_socket(const struct sockaddr_un *address, uid_t agent)
{
	char directory[sizeof(address->sun_path)];

	memcpy(directory, address->sun_path, sizeof(directory));
	char *slash = strrchr(directory, '/');
	if (!slash)
		return -EINVAL;
	slash[slash == directory] = '\0';
	return dlk_path_check(directory, agent);
}

static int
check_peer(int fd, uid_t agent)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return -errno;
	return peer.uid == 0 || peer.uid == agent ? 0 : -DLK_EOWNER;
}

static int
connect_agent(const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uid_t agent = agents_uid();

	if (!dlk_text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	int error = check_socket(&address, agent);
	if (error != 0)
		return error;
	DLK_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) != 0)
		return -errno; /* -EAGAIN: its queue is full */
	error = check_peer(fd, agent);
	if (error == 0) {
		*ret_fd = fd;
		fd = -1;
	}
	return error;
}

/* The judge of the first half may have gone while the user looked for the code. */
static bool
is_there(const struct dlk_ask *ask)
{
	struct pollfd p = { .fd = ask->fd, .events = POLLIN, .revents = 0 };

	return ask->fd >= 0 && poll(&p, 1, 0) == 0;
}

/* A judge that failed gets no time to end by itself. */
static void
end(struct dlk_ask *ask, int64_t grace_ms)
{
	if (ask->fd < 0)
		return;
	if (ask->by_helper)
		dlk_child_end(ask->pid, &ask->fd, dlk_monotonic_ms() + grace_ms);
	dlk_fd_close(&ask->fd);
}

void
dlk_ask_end(struct dlk_ask *ask)
{
	end(ask, END_MS);
}

static int
begin(struct dlk_ask *ask)
{
	const struct dlk_options *o = ask->options;

	if (is_there(ask))
		return 0;
	dlk_ask_end(ask);
	return ask->by_helper ? dlk_child_start(o->helper, o->config, &ask->pid, &ask->fd)
			      : connect_agent(o->agent, &ask->fd);
}

static int
exchange(int fd, const struct dlk_request *request, struct dlk_verdict *verdict)
{
	DLK_AUTO_BUF out = { 0 }, in = { 0 };
	int64_t deadline = dlk_monotonic_ms() + DLK_ASK_MS;
	int error = dlk_request_encode(request, &out);

	if (error == 0)
		error = dlk_frame_send(fd, dlk_bytes_of(&out), deadline);
	if (error == 0)
		error = dlk_frame_receive(fd, deadline, &in);
	return error ? error : dlk_verdict_decode(dlk_bytes_of(&in), verdict);
}

static const char *
words(int error)
{
	switch (-error) {
	case ETIMEDOUT:
		return "it did not answer in time";
	case EPIPE:
		return "it ended without an answer; its own lines in the log say why";
	case EPROTO:
	case EBADMSG:
	case EMSGSIZE:
		return "its answer is not one; are module and judge of the same version?";
	default:
		return dlk_file_error(error);
	}
}

void
dlk_ask(struct dlk_ask *ask, const struct dlk_request *request, struct dlk_verdict *verdict)
{
	memset(verdict, 0, sizeof(*verdict));
	int error = begin(ask);
	if (error == 0)
		error = exchange(ask->fd, request, verdict);
	if (error == 0)
		return;
	end(ask, 0);
	dlk_outcome_refuse(verdict, DLK_R_FAULT_INTERNAL, "%s: %s",
	    ask->by_helper ? ask->options->helper : ask->options->agent, words(error));
}
