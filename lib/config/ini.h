/* SPDX-License-Identifier: MIT */
/* ini.h - the lines of a configuration file, strictly: what inih would bend is refused. */
#ifndef DLK_CONFIG_INI_H
#define DLK_CONFIG_INI_H

#include "base/bytes.h"
#include "model/verdict.h"

#define DLK_INI_LINE_MAX 197 /* octets of a line; longer ones are refused, never cut */
#define DLK_INI_NAME_MAX 49  /* of a section or key */

/* Where something stands. */
struct dlk_ini_place {
	const char *file;
	unsigned line;
};

struct dlk_ini_handler {
	/* A section begins. 0, or -errno with *ret_why (static) to refuse it. */
	int (*section)(void *arg, const struct dlk_ini_place *place, const char *section,
	    const char **ret_why);
	int (*entry)(void *arg, const struct dlk_ini_place *place, const char *key,
	    const char *value, const char **ret_why);
	void *arg;
};

/* 0, or -errno and "file:line: what: why" in `finding` (fault-config). */
int dlk_ini_parse(struct dlk_bytes content, const char *file,
    const struct dlk_ini_handler *handler, struct dlk_finding *finding);

#endif
