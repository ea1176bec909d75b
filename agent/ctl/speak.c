/* SPDX-License-Identifier: MIT */
/* speak.c - what the command line says when it ends, and how it prints facts. */
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"

int
ctl_misused(const struct ctl_call *call, const char *format, ...)
{
	va_list args;

	if (format) {
		fputs("doublelock: ", stderr);
		va_start(args, format);
		(void)vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	fprintf(stderr, "usage: doublelock %s%s%s %s\n", call->group ? call->group : "",
	    call->group ? " " : "", call->subject->name, call->subject->synopsis);
	return CTL_USAGE;
}

static int say_and_end(const char *format, va_list args, int end)
    __attribute__((format(printf, 1, 0)));

static int
say_and_end(const char *format, va_list args, int end)
{
	fflush(stdout);
	fputs("doublelock: ", stderr);
	(void)vfprintf(stderr, format, args);
	fputc('\n', stderr);
	return end;
}

int
ctl_fault(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int end = say_and_end(format, args, CTL_FAULT);
	va_end(args);
	return end;
}

int
ctl_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int end = say_and_end(format, args, CTL_REFUSED);
	va_end(args);
	return end;
}

int
ctl_end_of(enum dlk_reason reason)
{
	if (reason == DLK_R_OK)
		return CTL_YES;
	return dlk_reason_blame(reason) == DLK_BLAME_SYSTEM || reason == DLK_R_FAULT_CONFIG
		   ? CTL_FAULT
		   : CTL_REFUSED;
}

int
ctl_print(json_t *object, int end)
{
	bool done = object &&
		    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
		    fputc('\n', stdout) != EOF && fflush(stdout) == 0;

	json_decref(object);
	return done ? end : ctl_fault("the answer could not be written");
}

bool
ctl_name(const char *text, char *ret_name, size_t room)
{
	return dlk_text_is_name(text) && dlk_text_copy(ret_name, room, text);
}

json_t *
ctl_time(int64_t when)
{
	return when == 0 || when == DLK_TIME_NEVER ? json_null() : json_integer(when);
}
