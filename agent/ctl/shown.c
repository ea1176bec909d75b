/* SPDX-License-Identifier: MIT */
/* shown.c - sshd starts us; which of its processes it was tells one connection from another.
 */
#include "shown.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "process.h"

static void
take_connection(uint8_t *ret_attempt)
{
	struct dlk_process sshd;

	dlk_process_know(getppid(), &sshd);
	dlk_put_be64(ret_attempt, (uint64_t)getppid());
	dlk_put_be64(ret_attempt + 8, (uint64_t)sshd.started);
}

int
shown_request(
    const char *user, const char *service, const char *text, struct dlk_request *ret_request)
{
	ret_request->entrance = DLK_ENTRANCE_AUTHORIZED_KEYS;
	ret_request->evidence_kind = DLK_EVIDENCE_SSH_KEY;
	ret_request->uid = (uid_t)-1; /* nobody asks for it at this door */
	take_connection(ret_request->attempt);
	if (!dlk_text_copy(ret_request->user, sizeof(ret_request->user), user) ||
	    !dlk_text_copy(ret_request->service, sizeof(ret_request->service), service))
		return -EMSGSIZE;
	return dlk_buf_add(&ret_request->evidence, DLK_EVIDENCE_MAX, dlk_bytes_str(text));
}

bool
shown_print(struct dlk_bytes offer, const char *text)
{
	bool whole = memchr(offer.p, ' ', offer.n) != NULL; /* names its key itself */

	return fwrite(offer.p, 1, offer.n, stdout) == offer.n &&
	       printf("%s%s\n", whole ? "" : " ", whole ? "" : text) > 0 &&
	       fflush(stdout) == 0;
}
