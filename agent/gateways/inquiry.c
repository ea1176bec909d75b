/* SPDX-License-Identifier: MIT */
/* inquiry.c - makes the request and asks. It knows no gateway, parses no certificate, and an
 * answer that is not a whole yes is a no. */
#include "inquiry.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "base/address.h"
#include "base/file.h"
#include "base/text.h"
#include "wire/client.h"

int
dlk_inquiry_begin(const char *service, struct dlk_request *request)
{
	request->entrance = DLK_ENTRANCE_GATEWAY;
	if (!dlk_text_is_name(service) ||
	    !dlk_text_copy(request->service, sizeof(request->service), service))
		return -EINVAL;
	if (getrandom(request->attempt, sizeof(request->attempt), 0) !=
	    (ssize_t)sizeof(request->attempt))
		return -EIO;
	return 0;
}

int
dlk_inquiry_certify(
    struct dlk_request *request, enum dlk_evidence kind, struct dlk_bytes certificate)
{
	if (certificate.n == 0)
		return 0;
	request->evidence_kind = kind;
	request->possession = DLK_POSSESSION_TLS_GATEWAY;
	return dlk_buf_add(&request->evidence, DLK_CERTIFICATE_TEXT_MAX, certificate);
}

void
dlk_inquiry_locate(struct dlk_request *request, const char *source)
{
	if (source)
		(void)dlk_address_spell(source, request->source, sizeof(request->source));
}

bool
dlk_inquiry_waits(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN, .revents = 0 };

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

static int
ask(const char *path, uid_t agent, int *fd, const struct dlk_request *request,
    int64_t deadline_ms, struct dlk_verdict *verdict)
{
	int error = 0;

	if (!dlk_inquiry_waits(*fd)) {
		dlk_fd_close(fd);
		error = dlk_client_connect(path, agent, fd);
	}
	return error ? error : dlk_client_ask(*fd, request, deadline_ms, verdict, NULL);
}

/* A verdict of our own, where there is none. */
static void
cannot(const char *path, int error, int *fd, struct dlk_verdict *verdict)
{
	dlk_fd_close(fd);
	memset(verdict, 0, sizeof(*verdict));
	verdict->reason = DLK_R_FAULT_INTERNAL;
	dlk_text_print(
	    verdict->detail, sizeof(verdict->detail), "%s: %s", path, dlk_client_error(error));
}

void
dlk_inquiry_put(const char *path, uid_t agent, int *fd, const struct dlk_request *request,
    int64_t deadline_ms, struct dlk_verdict *ret_verdict)
{
	int error = ask(path, agent, fd, request, deadline_ms, ret_verdict);

	if (error != 0)
		cannot(path, error, fd, ret_verdict);
}

void
dlk_inquiry_hear(
    const char *path, int *fd, int64_t deadline_ms, struct dlk_verdict *ret_verdict)
{
	int error = dlk_client_hear(*fd, deadline_ms, ret_verdict, NULL);

	if (error != 0)
		cannot(path, error, fd, ret_verdict);
}

bool
dlk_inquiry_allows(const struct dlk_request *request, const struct dlk_verdict *verdict)
{
	return verdict->reason == DLK_R_OK && verdict->effect == DLK_EFFECT_ENFORCE &&
	       verdict->event[0] && verdict->user[0] &&
	       (!request->user[0] || strcmp(request->user, verdict->user) == 0);
}
