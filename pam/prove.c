/* SPDX-License-Identifier: MIT */
/* prove.c - carries octets between the judge and doublelock-prove. Whether they prove anything
 * the judge finds out; a process of the asking user's may have made them. */
#include "prove.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <syslog.h>

#include "base/file.h"
#include "child.h"
#include "wire/challenge.h"
#include "wire/client.h"
#include "wire/frame.h"

static int
hear(int fd, int64_t deadline_ms, struct dlk_buf *answer)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes content;
	enum dlk_prove what;
	int error = dlk_frame_receive(fd, deadline_ms, &frame);

	if (error == 0)
		error = dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content);
	if (error == 0 && what != DLK_PROVE_ANSWER)
		error = -EBADMSG;
	return error ? error : dlk_buf_add(answer, DLK_ANSWER_MAX, content);
}

static int
run(const struct dlk_options *options, struct dlk_bytes challenge, struct dlk_request *request)
{
	DLK_AUTO_BUF frame = { 0 };
	int64_t deadline = dlk_monotonic_ms() + DLK_PROVE_MS;
	pid_t pid;
	int fd = -1;
	int error = dlk_prove_pack(DLK_PROVE_CHALLENGE, challenge, &frame);

	if (error == 0)
		error = dlk_child_start(options->prove, request->asker, NULL, &pid, &fd);
	if (error != 0)
		return error;
	error = dlk_frame_send(fd, dlk_bytes_of(&frame), deadline);
	if (error == 0)
		error = hear(fd, deadline, &request->answer);
	dlk_child_end(pid, &fd, dlk_monotonic_ms()); /* its answer is its last word */
	return error;
}

void
dlk_prove(pam_handle_t *pamh, const struct dlk_options *options, struct dlk_bytes challenge,
    struct dlk_request *request)
{
	struct dlk_answer none = { .trouble = DLK_TROUBLE_INTERNAL };
	int error = 0;

	dlk_buf_free(&request->answer);
	if (!request->asker[0])
		none.trouble = DLK_TROUBLE_NOBODY;
	else
		error = run(options, challenge, request);
	if (error != 0)
		pam_syslog(pamh, LOG_ERR, "%s: %s", options->prove, dlk_client_error(error));
	if (request->answer.n == 0 && dlk_answer_encode(&none, &request->answer) != 0)
		dlk_buf_free(&request->answer); /* the judge has had no answer then */
}
