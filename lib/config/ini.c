/* SPDX-License-Identifier: MIT */
/*
 * ini.c - hands a file to inih line by line. inih cuts long names, joins lines and passes over
 * what it does not understand; each such line is refused here before inih sees it.
 */
#include "config/ini.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "base/text.h"

struct reader {
	struct dlk_bytes rest;
	struct dlk_ini_place place;
	const struct dlk_ini_handler *handler;
	struct dlk_finding *finding;
	int error;
};

static int
refuse(struct reader *r, int error, const char *what, const char *why)
{
	char shown[80];

	dlk_text_escape(shown, sizeof(shown), dlk_bytes_str(what));
	dlk_find(r->finding, DLK_STAGE_ADMIT, DLK_R_FAULT_CONFIG, "%.300s:%u: %s%s%s",
	    r->place.file, r->place.line, shown, what[0] ? ": " : "",
	    why ? why : strerrordesc_np(-error));
	return r->error = error;
}

static bool
is_comment(const char *text)
{
	return text[0] == '\0' || text[0] == ';' || text[0] == '#';
}

static int
begin_section(struct reader *r, const char *line)
{
	char section[DLK_INI_NAME_MAX + 1];
	const char *end = strchr(line, ']');
	const char *why = NULL;
	int error;

	if (!end || !is_comment(end + 1 + strspn(end + 1, " \t")))
		return refuse(r, -EINVAL, line, "a section is [NAME] on a line of its own");
	if (end - line - 1 > DLK_INI_NAME_MAX || end == line + 1)
		return refuse(r, -EINVAL, line, "the section's name is empty or too long");
	memcpy(section, line + 1, (size_t)(end - line - 1));
	section[end - line - 1] = '\0';
	error = r->handler->section(r->handler->arg, &r->place, section, &why);
	return error ? refuse(r, error, line, why) : 0;
}

static int
check_line(struct reader *r, const char *line)
{
	size_t blank = strspn(line, " \t");
	const char *equals = strchr(line, '=');

	for (const char *c = line; *c; c++)
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			return refuse(r, -EINVAL, "", "a control character");
	if (is_comment(line + blank))
		return 0;
	if (blank > 0)
		return refuse(r, -EINVAL, line + blank,
		    "a line begins in its first column; values do not continue on a further "
		    "line");
	if (line[0] == '[')
		return begin_section(r, line);
	if (!equals || equals == line || strcspn(line, ":") < (size_t)(equals - line))
		return refuse(r, -EINVAL, line, "neither a [SECTION] nor KEY = VALUE");
	if (equals - line > DLK_INI_NAME_MAX)
		return refuse(r, -EINVAL, line, "the key's name is too long");
	return 0;
}

/* One line into inih's buffer, as fgets() would; NULL at the end and on the first refusal. */
static char *
next_line(char *out, int size, void *arg)
{
	struct reader *r = arg;
	const uint8_t *end;
	size_t n;

	if (r->error || r->rest.n == 0)
		return NULL;
	r->place.line++;
	end = memchr(r->rest.p, '\n', r->rest.n);
	n = end ? (size_t)(end - r->rest.p) : r->rest.n;
	if (memchr(r->rest.p, 0, n)) {
		refuse(r, -EINVAL, "", "a NUL character");
		return NULL;
	}
	if (n > DLK_INI_LINE_MAX || n + 2 > (size_t)size) {
		refuse(r, -EINVAL, "", "the line is longer than 197 characters");
		return NULL;
	}
	memcpy(out, r->rest.p, n);
	out[n] = '\0';
	if (n > 0 && out[n - 1] == '\r')
		out[n - 1] = '\0';
	if (check_line(r, out) != 0)
		return NULL;
	strcat(out, "\n");
	r->rest = DLK_BYTES(r->rest.p + n + (end ? 1 : 0), r->rest.n - n - (end ? 1 : 0));
	return out;
}

static int
take(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *r = arg;
	const char *why = NULL;
	int error;

	if (r->error)
		return 0;
	if (!section[0])
		error = refuse(r, -EINVAL, key, "stands before any [SECTION]");
	else
		error = r->handler->entry(r->handler->arg, &r->place, key, value, &why);
	if (error != 0 && !r->error)
		refuse(r, error, key, why);
	return error == 0;
}

int
dlk_ini_parse(struct dlk_bytes content, const char *file,
    const struct dlk_ini_handler *handler, struct dlk_finding *finding)
{
	struct reader r = {
		.rest = content, .place = { file, 0 }, .handler = handler, .finding = finding
	};
	int line = ini_parse_stream(next_line, &r, take, &r);

	if (line != 0 && !r.error) {
		r.place.line = line > 0 ? (unsigned)line : 0;
		refuse(&r, -EINVAL, "", "not understood");
	}
	return r.error;
}
