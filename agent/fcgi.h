/* SPDX-License-Identifier: MIT */
/* fcgi.h - the door for web servers that know a FastCGI authorizer (lighttpd). */
#ifndef DLK_AGENT_FCGI_H
#define DLK_AGENT_FCGI_H

#include "agent/talks.h"

extern const struct dlk_speaker dlk_fcgi_speaker;

#endif
