/* SPDX-License-Identifier: MIT */
/* say.c - one line to the log. A line break inside a message would be a second line that
 * somebody else wrote, so none gets through. */
#include "base/say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/text.h"

static const char *name = "doublelock";
static bool to_syslog;

static const int priorities[] = {
	[DLK_ERROR] = LOG_ERR,
	[DLK_WARNING] = LOG_WARNING,
	[DLK_NOTICE] = LOG_NOTICE,
	[DLK_INFO] = LOG_INFO,
};
static const char *const words[] = {
	[DLK_ERROR] = "error: ",
	[DLK_WARNING] = "warning: ",
	[DLK_NOTICE] = "",
	[DLK_INFO] = "",
};

void
dlk_say_to_syslog(const char *program)
{
	name = program;
	to_syslog = true;
	openlog(name, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

void
dlk_say_to_stderr(const char *program)
{
	name = program;
	to_syslog = false;
}

void
dlk_say(enum dlk_level level, const char *format, ...)
{
	char line[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return;
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (to_syslog)
		syslog(priorities[level], "%s%s", words[level], line);
	else
		fprintf(stderr, "%s: %s%s\n", name, words[level], line);
}
