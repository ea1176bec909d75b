/* SPDX-License-Identifier: MIT */
/* errand.c - the prover's side of the socket to the module. What is proven is not known here.
 */
#include "prove/errand.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/frame.h"

#define FRAME_MS 5000

int
dlk_errand_parent(pid_t *ret_pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return -errno;
	if (peer.pid <= 1 || peer.pid != getppid())
		return -EPERM;
	*ret_pid = peer.pid;
	return 0;
}

int
dlk_errand_receive(struct dlk_buf *octets)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes content;
	enum dlk_prove what;
	int error = dlk_frame_receive(STDIN_FILENO, dlk_monotonic_ms() + FRAME_MS, &frame);

	if (error == 0)
		error = dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content);
	if (error == 0 && what != DLK_PROVE_CHALLENGE)
		error = -EBADMSG;
	return error ? error : dlk_buf_add(octets, DLK_CHALLENGE_MAX, content);
}

int
dlk_errand_answer(const struct dlk_answer *answer)
{
	DLK_AUTO_BUF octets = { 0 }, frame = { 0 };
	int error = dlk_answer_encode(answer, &octets);

	if (error == 0)
		error = dlk_prove_pack(DLK_PROVE_ANSWER, dlk_bytes_of(&octets), &frame);
	return error ? error
		     : dlk_frame_send(
			   STDIN_FILENO, dlk_bytes_of(&frame), dlk_monotonic_ms() + FRAME_MS);
}
