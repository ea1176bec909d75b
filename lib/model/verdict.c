/* SPDX-License-Identifier: MIT */
/* verdict.c - notes of the stages. */
#include "model/verdict.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const stages[] = { "none", "admit", "parse", "path", "revoked", "map",
	"second", "settle" };

const char *
dlk_stage_str(enum dlk_stage stage)
{
	return stages[(unsigned)stage <= DLK_STAGE_SETTLE ? stage : DLK_STAGE_NONE];
}

enum dlk_reason
dlk_find(struct dlk_finding *finding, enum dlk_stage stage, enum dlk_reason reason,
    const char *format, ...)
{
	va_list args;

	if (!finding)
		return reason;
	finding->reason = reason;
	finding->stage = stage;
	va_start(args, format);
	if (vsnprintf(finding->detail, sizeof(finding->detail), format, args) < 0)
		finding->detail[0] = '\0';
	va_end(args);
	return reason;
}
