/* SPDX-License-Identifier: MIT */
/* client.c - finds the judge, makes sure that it is the judge, and asks once. What the answer
 * means is not known here. */
#include "wire/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/account.h"
#include "base/file.h"
#include "base/owner.h"
#include "base/text.h"
#include "wire/frame.h"

#ifndef DLK_USER
#define DLK_USER "doublelock"
#endif

uid_t
dlk_client_agent(void)
{
	char name[sizeof(DLK_USER)];
	uid_t uid;

	return dlk_account_find(DLK_USER, name, sizeof(name), &uid) == 0 ? uid : DLK_OWNER;
}

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

int
dlk_client_connect(const char *path, uid_t agent, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!dlk_text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	int error = check_socket(&address, agent);
	if (error != 0)
		return error;
	DLK_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) != 0)
		return -errno;
	error = check_peer(fd, agent);
	if (error == 0) {
		*ret_fd = fd;
		fd = -1;
	}
	return error;
}

int
dlk_client_say(int fd, const struct dlk_request *request, int64_t deadline_ms)
{
	DLK_AUTO_BUF out = { 0 };
	int error = dlk_request_encode(request, &out);

	return error ? error : dlk_frame_send(fd, dlk_bytes_of(&out), deadline_ms);
}

int
dlk_client_hear(
    int fd, int64_t deadline_ms, struct dlk_verdict *ret_verdict, struct dlk_buf *challenge)
{
	DLK_AUTO_BUF in = { 0 };
	int error = dlk_frame_receive(fd, deadline_ms, &in);

	if (error == 0 && challenge)
		error = dlk_verdict_challenge(dlk_bytes_of(&in), challenge);
	return error ? error : dlk_verdict_decode(dlk_bytes_of(&in), ret_verdict);
}

int
dlk_client_ask(int fd, const struct dlk_request *request, int64_t deadline_ms,
    struct dlk_verdict *ret_verdict, struct dlk_buf *challenge)
{
	int error = dlk_client_say(fd, request, deadline_ms);

	return error ? error : dlk_client_hear(fd, deadline_ms, ret_verdict, challenge);
}

int
dlk_client_offer(int fd, const struct dlk_request *request, int64_t deadline_ms,
    struct dlk_verdict *ret_verdict, struct dlk_buf *offer)
{
	DLK_AUTO_BUF in = { 0 };
	int error = dlk_client_say(fd, request, deadline_ms);

	if (error == 0)
		error = dlk_frame_receive(fd, deadline_ms, &in);
	if (error == 0)
		error = dlk_verdict_offer(dlk_bytes_of(&in), offer);
	return error ? error : dlk_verdict_decode(dlk_bytes_of(&in), ret_verdict);
}

const char *
dlk_client_error(int error)
{
	switch (-error) {
	case ETIMEDOUT:
		return "it did not answer in time";
	case EPIPE:
		return "it ended without an answer; its own lines in the log say why";
	case EPROTO:
	case EBADMSG:
	case EMSGSIZE:
		return "its answer is not one; are both sides of the same version?";
	default:
		return dlk_file_error(error);
	}
}
