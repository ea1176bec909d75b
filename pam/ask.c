/* SPDX-License-Identifier: MIT */
/* ask.c - one question, one answer, one deadline. Who judges is chosen by the caller of
 * this; what the answer means is not known here. */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/file.h"
#include "child.h"
#include "outcome.h"
#include "wire/client.h"
#include "wire/frame.h"

#define END_MS 1000 /* for the helper's own end, after its answer */

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
	dlk_buf_free(&ask->challenge);
}

static int
begin(struct dlk_ask *ask)
{
	const struct dlk_options *o = ask->options;

	if (is_there(ask))
		return 0;
	dlk_ask_end(ask);
	const char *option = o->config ? "--config" : NULL;
	return ask->by_helper
		   ? dlk_child_start(o->helper, option, o->config, &ask->pid, &ask->fd)
		   : dlk_client_connect(o->agent, dlk_client_agent(), &ask->fd);
}

static int
ask_once(struct dlk_ask *ask, const struct dlk_request *request, int64_t deadline_ms,
    struct dlk_verdict *verdict)
{
	int error;

	dlk_buf_free(&ask->challenge);
	error = begin(ask);
	if (error == 0)
		error =
		    dlk_client_ask(ask->fd, request, deadline_ms, verdict, &ask->challenge);
	if (error != 0)
		end(ask, 0);
	return error;
}

/* An agent that ended in between is started again by its socket: it is asked once more, for
 * the same attempt, so that nothing counts twice. A helper that ended would end again. */
void
dlk_ask(struct dlk_ask *ask, const struct dlk_request *request, struct dlk_verdict *verdict)
{
	int64_t deadline_ms = dlk_monotonic_ms() + DLK_ASK_MS;

	memset(verdict, 0, sizeof(*verdict));
	int error = ask_once(ask, request, deadline_ms, verdict);
	if (error == -EPIPE && !ask->by_helper)
		error = ask_once(ask, request, deadline_ms, verdict);
	if (error == 0)
		return;
	dlk_outcome_refuse(verdict, DLK_R_FAULT_INTERNAL, "%s: %s",
	    ask->by_helper ? ask->options->helper : ask->options->agent,
	    dlk_client_error(error));
}
