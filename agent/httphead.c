/* SPDX-License-Identifier: MIT */
/*
 * httphead.c - reads the head of a request strictly where two readers could understand two
 * things: how long it is, and which field is which. What the fields mean is for others.
 */
#include "agent/httphead.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define BAD    400
#define LENGTH 411
#define LARGE  413

struct line {
	uint8_t *p;
	size_t n;
};

/* What is read one after the other. */
struct reading {
	uint8_t *at, *end;
	struct dlk_httphead *head;
	bool has_length;
};

/* Behind the empty line, or NULL. */
static uint8_t *
find_end(uint8_t *octets, size_t n, size_t *seen)
{
	for (;;) {
		uint8_t *lf = memchr(octets + *seen, '\n', n - *seen);
		size_t at = lf ? (size_t)(lf - octets) + 1 : n;

		if (!lf || at == n) {
			*seen = lf ? at - 1 : n;
			return NULL;
		}
		if (octets[at] == '\n')
			return octets + at + 1;
		if (octets[at] == '\r' && at + 1 == n) {
			*seen = at - 1;
			return NULL;
		}
		if (octets[at] == '\r' && octets[at + 1] == '\n')
			return octets + at + 2;
		*seen = at;
	}
}

/* Without its end. */
static struct line
next_line(struct reading *r)
{
	uint8_t *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));
	struct line line = { r->at, (size_t)(lf - r->at) };

	r->at = lf + 1;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
is_token(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum(p[i]) && (p[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", p[i])))
			return false;
	return n > 0;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool
is(const uint8_t *p, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp((const char *)p, word, n) == 0;
}

/* "http://somebody/path": of it the path. */
static void
skip_authority(struct line *target)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;

	if (target->n < n || strncasecmp((const char *)target->p, scheme, n) != 0)
		return;
	while (n < target->n && target->p[n] != '/' && target->p[n] != '?')
		n++;
	target->p += n;
	target->n -= n;
}

static bool
take_target(struct dlk_httphead *head, struct line target)
{
	if (target.n == 0)
		return false;
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= ' ' || target.p[i] == 0x7f)
			return false;
	skip_authority(&target);
	head->path = (char *)target.p;
	head->path_end = head->path + target.n;
	for (char *c = head->path_end; c > head->path; c--)
		if (c[-1] == '?' || c[-1] == '#')
			head->path_end = c - 1;
	return true;
}

static bool
take_request_line(struct reading *r)
{
	static const char version[] = " HTTP/1.";
	const size_t n_version = sizeof(version); /* with the digit */
	struct line line = next_line(r);
	const uint8_t *space = memchr(line.p, ' ', line.n);
	size_t n = space ? (size_t)(space - line.p) : 0;

	if (!is_token(line.p, n) || line.n < n + 1 + n_version)
		return false;
	const uint8_t *last = line.p + line.n - n_version;
	uint8_t minor = line.p[line.n - 1];
	if (memcmp(last, version, n_version - 1) != 0 || (minor != '0' && minor != '1'))
		return false;
	r->head->method = (char *)line.p;
	r->head->method_end = r->head->method + n;
	r->head->old = minor == '0';
	r->head->keep = !r->head->old;
	return take_target(
	    r->head, (struct line){ line.p + n + 1, line.n - n - 1 - n_version });
}

static int
take_length(struct reading *r, const uint8_t *value, size_t n, size_t most)
{
	size_t length = 0;

	if (r->has_length || n == 0)
		return BAD;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit(value[i]))
			return BAD;
		if (length <= most)
			length = 10 * length + (size_t)(value[i] - '0');
	}
	r->has_length = true;
	r->head->n_body = length;
	return length > most ? LARGE : 0;
}

/* A list; "close" stands over all. */
static void
take_connection(struct dlk_httphead *head, const uint8_t *value, size_t n)
{
	bool keep = false, close = false;

	while (n > 0) {
		const uint8_t *comma = memchr(value, ',', n);
		size_t part = comma ? (size_t)(comma - value) : n, size = part;
		const uint8_t *p = value;

		while (size > 0 && is_blank(p[0]))
			p++, size--;
		while (size > 0 && is_blank(p[size - 1]))
			size--;
		keep = keep || is(p, size, "keep-alive");
		close = close || is(p, size, "close");
		value += part + (comma != NULL);
		n -= part + (comma != NULL);
	}
	if (keep || close)
		head->keep = !close;
}

/* What says where this request ends, and what is to be done with the connection. */
static int
heed(struct reading *r, const uint8_t *name, size_t n_name, const struct line *value,
    size_t body_max)
{
	if (is(name, n_name, "Content-Length"))
		return take_length(r, value->p, value->n, body_max);
	if (is(name, n_name, "Transfer-Encoding"))
		return LENGTH;
	if (is(name, n_name, "Connection"))
		take_connection(r->head, value->p, value->n);
	if (is(name, n_name, "Expect"))
		r->head->expects = is(value->p, value->n, "100-continue");
	return 0;
}

static void
trim(struct line *value)
{
	while (value->n > 0 && is_blank(value->p[0]))
		value->p++, value->n--;
	while (value->n > 0 &&
	       (is_blank(value->p[value->n - 1]) || value->p[value->n - 1] == '\r' ||
		   value->p[value->n - 1] == '\n'))
		value->n--;
}

/* No NUL, and no CR but at the end of a line that goes on. */
static bool
is_clean(const struct line *value)
{
	const uint8_t *p = value->p, *end = value->p + value->n;

	if (value->n > 0 && memchr(p, '\0', value->n))
		return false;
	while (p < end && (p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
		if (p + 1 == end || p[1] != '\n')
			return false;
		p++;
	}
	return true;
}

static int
take_field(struct reading *r, size_t body_max)
{
	struct dlk_httphead *head = r->head;
	struct line line = next_line(r);
	const uint8_t *colon = memchr(line.p, ':', line.n);
	size_t n_name = colon ? (size_t)(colon - line.p) : 0;

	if (!is_token(line.p, n_name))
		return BAD;
	struct line value = { line.p + n_name + 1, line.n - n_name - 1 };
	while (r->at < r->end && is_blank(r->at[0])) {
		struct line more = next_line(r);
		value.n = (size_t)(more.p + more.n - value.p);
	}
	trim(&value);
	if (!is_clean(&value))
		return BAD;
	if (head->n == DLK_HTTPHEAD_FIELDS) {
		head->too_many = true;
	} else {
		size_t i = head->n++;
		head->value[i] = (char *)value.p;
		head->name_end[i] = (char *)line.p + n_name;
		head->value_end[i] = head->value[i] + value.n;
		head->field[i] = (struct dlk_header){ (char *)line.p, head->value[i] };
	}
	return heed(r, line.p, n_name, &value, body_max);
}

static bool
is_last(const struct reading *r)
{
	return r->at[0] == '\n' || (r->at[0] == '\r' && r->at[1] == '\n');
}

int
dlk_httphead_read(uint8_t *octets, size_t n, size_t head_max, size_t body_max, size_t *seen,
    struct dlk_httphead *ret_head)
{
	size_t skipped = 0;

	/* empty lines before a request (RFC 9112 section 2.2) */
	while (skipped < n && (octets[skipped] == '\r' || octets[skipped] == '\n'))
		skipped++;
	if (*seen < skipped)
		*seen = skipped;
	uint8_t *end = find_end(octets, n, seen);
	size_t n_head = end ? (size_t)(end - octets) : n;
	if (n_head > head_max)
		return LARGE;
	if (!end)
		return DLK_HTTPHEAD_MORE;
	struct reading r = { octets + skipped, end, ret_head, false };
	ret_head->n = ret_head->n_body = 0;
	ret_head->expects = ret_head->too_many = false;
	if (!take_request_line(&r))
		return BAD;
	int wrong = 0;
	while (wrong == 0 && !is_last(&r))
		wrong = take_field(&r, body_max);
	ret_head->n_head = n_head;
	return wrong ? wrong : DLK_HTTPHEAD_WHOLE;
}

void
dlk_httphead_cut(struct dlk_httphead *head)
{
	*head->method_end = '\0';
	*head->path_end = '\0';
	for (size_t i = 0; i < head->n; i++) {
		*head->name_end[i] = '\0';
		*head->value_end[i] = '\0';
		for (char *c = head->value[i]; (c = strpbrk(c, "\r\n")) != NULL;)
			*c = ' ';
	}
}
