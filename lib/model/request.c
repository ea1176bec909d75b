/* SPDX-License-Identifier: MIT */
/* request.c - the life of a request, and the words for its kinds. */
#include "model/request.h"

#include <string.h>

void
dlk_request_fini(struct dlk_request *request)
{
	if (!request)
		return;
	dlk_buf_free(&request->evidence);
	dlk_buf_free(&request->chain);
	dlk_buf_free(&request->answer);
	dlk_buf_free(&request->signature);
	explicit_bzero(request, sizeof(*request));
}

const char *
dlk_entrance_str(enum dlk_entrance entrance)
{
	switch (entrance) {
	case DLK_ENTRANCE_NONE:
		break;
	case DLK_ENTRANCE_PAM:
		return "pam";
	case DLK_ENTRANCE_AUTHORIZED_KEYS:
		return "authorized-keys";
	case DLK_ENTRANCE_GATEWAY:
		return "gateway";
	case DLK_ENTRANCE_OPERATOR:
		return "operator";
	}
	return "none";
}

const char *
dlk_possession_str(enum dlk_possession possession)
{
	switch (possession) {
	case DLK_POSSESSION_NONE:
		break;
	case DLK_POSSESSION_SSHD:
		return "sshd";
	case DLK_POSSESSION_TLS_GATEWAY:
		return "tls-gateway";
	case DLK_POSSESSION_SSH_AGENT:
		return "ssh-agent";
	case DLK_POSSESSION_TOKEN:
		return "token";
	}
	return "none";
}
