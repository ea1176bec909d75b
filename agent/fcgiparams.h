/* SPDX-License-Identifier: MIT */
/*
 * fcgiparams.h - what the parameters of a FastCGI request ask. The server's own are read:
 * DOUBLELOCK_SERVICE, SSL_CLIENT_CERT (PEM) and REMOTE_ADDR. HTTP_NAME is what the client has
 * sent as header NAME: it may hold a code, and never a certificate.
 */
#ifndef DLK_AGENT_FCGIPARAMS_H
#define DLK_AGENT_FCGIPARAMS_H

#include "model/verdict.h"

#define DLK_FCGI_PARAMS_MAX  (64 * 1024) /* octets of all */
#define DLK_FCGI_HEADERS_MAX 256

/* 0, -EBADMSG where it is no list of parameters, -ENOMEM. What is wrong with what they say is
 * in `refusal`: then somebody has to be told no. */
int dlk_fcgi_params_read(
    struct dlk_bytes params, struct dlk_request *request, struct dlk_finding *refusal);

#endif
