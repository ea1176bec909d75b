/* SPDX-License-Identifier: MIT */
/* sshagent.c - messages of an SSH agent: a length, a number that says which, a body. It takes
 * no key and no signature apart. */
#include "prove/sshagent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/sshwire.h"
#include "base/text.h"
#include "wire/frame.h"

#define MESSAGE_MAX (512 * 1024)
#define RETRY_MS    20 /* while its queue is full */

enum message {
	FAILURE = 5,
	REQUEST_IDENTITIES = 11,
	IDENTITIES_ANSWER = 12,
	SIGN_REQUEST = 13,
	SIGN_RESPONSE = 14,
	EXTENSION_FAILURE = 28,
	FAILURE_OF_SSH2 = 30,
	FAILURE_OF_COM = 102
};

static int
check_peer(int fd, uid_t owner)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return -errno;
	return peer.uid == owner ? 0 : -DLK_EOWNER;
}

static int
try_connect(int fd, const struct sockaddr_un *address, int64_t deadline_ms)
{
	while (connect(fd, (const struct sockaddr *)(const void *)address, sizeof(*address)) !=
	       0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (dlk_monotonic_ms() >= deadline_ms)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

int
dlk_sshagent_connect(const char *path, uid_t owner, int64_t deadline_ms, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!dlk_text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	DLK_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int error = try_connect(fd, &address, deadline_ms);
	if (error == 0)
		error = check_peer(fd, owner);
	if (error == 0) {
		*ret_fd = fd;
		fd = -1;
	}
	return error;
}

/* Appends type and body of one message. */
static int
receive(int fd, int64_t deadline_ms, struct dlk_buf *buf)
{
	uint8_t length[4];
	int error = dlk_octets_receive(fd, length, sizeof(length), deadline_ms);

	if (error != 0)
		return error;
	size_t n = dlk_get_be32(length);
	if (n == 0 || n > DLK_AGENT_REPLY_MAX)
		return -EMSGSIZE;
	error = dlk_buf_reserve(buf, buf->n + n);
	if (error == 0)
		error = dlk_octets_receive(fd, buf->p + buf->n, n, deadline_ms);
	if (error == 0)
		buf->n += n;
	return error;
}

/* One message, and the body of the answer where it is the one that is expected. */
static int
ask(int fd, struct dlk_bytes message, enum message expected, int64_t deadline_ms,
    struct dlk_buf *buf)
{
	DLK_AUTO_BUF out = { 0 }, in = { 0 };
	int error = dlk_ssh_add_string(&out, MESSAGE_MAX, message);

	if (error == 0)
		error = dlk_frame_send(fd, dlk_bytes_of(&out), deadline_ms);
	if (error == 0)
		error = receive(fd, deadline_ms, &in);
	if (error != 0)
		return error;
	if (in.p[0] == FAILURE || in.p[0] == FAILURE_OF_SSH2 || in.p[0] == FAILURE_OF_COM ||
	    in.p[0] == EXTENSION_FAILURE)
		return -EACCES;
	if (in.p[0] != expected)
		return -EBADMSG;
	return dlk_buf_add(buf, DLK_AGENT_REPLY_MAX, DLK_BYTES(in.p + 1, in.n - 1));
}

int
dlk_sshagent_list(int fd, int64_t deadline_ms, struct dlk_buf *buf)
{
	const uint8_t message[] = { REQUEST_IDENTITIES };

	return ask(
	    fd, DLK_BYTES(message, sizeof(message)), IDENTITIES_ANSWER, deadline_ms, buf);
}

static int
make_request(
    const struct dlk_identity *identity, struct dlk_bytes data, struct dlk_buf *message)
{
	int error = dlk_ssh_add_octet(message, MESSAGE_MAX, SIGN_REQUEST);

	if (error == 0)
		error = dlk_ssh_add_string(message, MESSAGE_MAX, identity->blob);
	if (error == 0)
		error = dlk_ssh_add_string(message, MESSAGE_MAX, data);
	return error ? error : dlk_ssh_add_number(message, MESSAGE_MAX, identity->flags);
}

int
dlk_sshagent_sign(int fd, const struct dlk_identity *identity, struct dlk_bytes data,
    int64_t deadline_ms, struct dlk_buf *signature)
{
	DLK_AUTO_BUF message = { 0 }, answer = { 0 };
	struct dlk_bytes body, octets;
	int error = make_request(identity, data, &message);

	if (error == 0)
		error = ask(fd, dlk_bytes_of(&message), SIGN_RESPONSE, deadline_ms, &answer);
	if (error != 0)
		return error;
	body = dlk_bytes_of(&answer);
	if (!dlk_ssh_take_string(&body, &octets) || body.n > 0 || octets.n == 0)
		return -EBADMSG;
	return dlk_buf_add(signature, DLK_AGENT_REPLY_MAX, octets);
}
