/* SPDX-License-Identifier: MIT */
/*
 * batch.c - tokens for a list of users: USER[,LABEL[,SECRET]] on each line.
 *
 * One result per line of input, in its order, after the tokens are durable. A run that was
 * cut off is run again with the same list: what is there already is said, and left as it is.
 */
#include "enroll.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define CHUNK 500 /* tokens of one transaction */

struct batch {
	struct enroll *enroll;
	struct dlk_token_row row[CHUNK];
	int result[CHUNK];
	size_t n;
	size_t line, enrolled, present, bad;
};

static void
batch_wipe(struct batch *b)
{
	explicit_bzero(b->row, sizeof(b->row));
	b->n = 0;
}

static void
batch_cleanup(struct batch **b)
{
	if (*b)
		batch_wipe(*b);
	free(*b);
}

/* ---- results ---- */

static int
print_line(struct batch *b, const struct dlk_token_row *row, const char *result,
    const char *why, const struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	const struct enroll *e = b->enroll;
	DLK_AUTO_SECRET secret = { .n = 0 };
	DLK_AUTO_BUF uri = { 0 };
	bool made = strcmp(result, "enrolled") == 0;

	if (made && (dlk_base32_encode(&row->token.otp.key, &secret) < 0 ||
			dlk_otpauth_encode(&row->token.otp, e->issuer, row->user, &uri) < 0))
		return ctl_fault("out of memory");
	if (e->json)
		return ctl_print(
		    json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "user", row->user, "label",
			row->token.label, "result", result, "detail", why, "secret",
			ctl_secret_json(DLK_BYTES(secret.b, secret.n)), "uri",
			ctl_secret_json(dlk_bytes_of(&uri)), "recovery",
			ctl_recovery_json(codes)),
		    CTL_YES);
	printf("%s,%s,%s,%.*s,%.*s", row->user, row->token.label, made ? result : why,
	    (int)secret.n, (const char *)secret.b, (int)uri.n, (const char *)uri.p);
	for (size_t i = 0; i < CTL_RECOVERY_CODES && codes[i].n > 0; i++)
		printf(",%.*s", (int)codes[i].n, (const char *)codes[i].b);
	return putchar('\n') == EOF ? ctl_fault("the answer could not be written") : CTL_YES;
}

static int
print_result(struct batch *b, size_t i)
{
	struct dlk_secret codes[CTL_RECOVERY_CODES] = { 0 };
	const struct enroll *e = b->enroll;
	const struct dlk_token_row *row = &b->row[i];
	int end;

	if (b->result[i] == -EEXIST) {
		b->present++;
		return print_line(b, row, "present", "present", codes);
	}
	if (b->result[i] != 0) {
		b->bad++;
		return print_line(b, row, "bad",
		    b->result[i] == -ENOSPC ? "too many tokens" : "no sound token", codes);
	}
	b->enrolled++;
	if (e->recovery && ctl_recovery_make(dlk_engine_record(e->engine), row->user, e->actor,
			       e->now, codes) < 0)
		end = ctl_fault("%s", dlk_record_trouble(dlk_engine_record(e->engine)));
	else
		end = print_line(b, row, "enrolled", "", codes);
	ctl_recovery_wipe(codes);
	return end;
}

static int
settle(struct batch *b)
{
	const struct enroll *e = b->enroll;
	struct dlk_record *record = dlk_engine_record(e->engine);
	int end = CTL_YES;

	if (b->n == 0)
		return CTL_YES;
	int r = dlk_tokens_add_many(record, b->row, b->n, e->actor, e->now, b->result);
	if (r < 0)
		return ctl_fault("%s", dlk_record_trouble(record));
	for (size_t i = 0; i < b->n && end == CTL_YES; i++)
		end = print_result(b, i);
	batch_wipe(b);
	if (end == CTL_YES && fflush(stdout) != 0)
		end = ctl_fault("the answer could not be written");
	if (end == CTL_YES && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%zu lines, %zu enrolled, %zu present, %zu bad ", b->line,
		    b->enrolled, b->present, b->bad);
	return end;
}

/* ---- the list ---- */

static struct dlk_bytes
take_field(struct dlk_bytes *rest)
{
	const uint8_t *comma = rest->n > 0 ? memchr(rest->p, ',', rest->n) : NULL;
	struct dlk_bytes field =
	    DLK_BYTES(rest->p, comma ? (size_t)(comma - rest->p) : rest->n);
	size_t n = field.n + (comma != NULL);

	*rest = DLK_BYTES(rest->p + n, rest->n - n);
	while (field.n > 0 && (field.p[field.n - 1] == ' ' || field.p[field.n - 1] == '\r'))
		field.n--;
	while (field.n > 0 && field.p[0] == ' ')
		field = DLK_BYTES(field.p + 1, field.n - 1);
	return field;
}

static bool
keep_text(char *dst, size_t size, struct dlk_bytes text)
{
	if (text.n >= size || (text.n > 0 && memchr(text.p, '\0', text.n)))
		return false;
	memcpy(dst, text.p, text.n);
	dst[text.n] = '\0';
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *
read_line(const struct enroll *e, struct dlk_bytes line, struct dlk_token_row *row)
{
	struct dlk_bytes user = take_field(&line), label = take_field(&line),
			 secret = take_field(&line);
	DLK_AUTO_SECRET text = { .n = 0 };

	row->token = e->token;
	if (!keep_text(row->user, sizeof(row->user), user) || !dlk_text_is_name(row->user) ||
	    strpbrk(row->user, "\""))
		return "no name of a user";
	if (label.n > 0 && !keep_text(row->token.label, sizeof(row->token.label), label))
		return "label too long";
	for (const char *at = row->token.label; *at; at++)
		if (*at < 0x20 || *at == 0x7f || *at == '"')
			return "label is no plain text";
	if (line.n > 0)
		return "more than three fields";
	if (secret.n == 0)
		return ctl_token_secret(&row->token.otp) < 0 ? "no random octets" : NULL;
	if (dlk_secret_set(&text, secret) < 0 ||
	    ctl_secret_parse(&text, &row->token.otp.key) < 0)
		return "secret is neither base32 nor hex:";
	return NULL;
}

static int
take_line(struct batch *b, struct dlk_bytes line)
{
	static const struct dlk_secret none[CTL_RECOVERY_CODES];
	struct dlk_bytes rest = line, first = take_field(&rest);

	b->line++;
	if (first.n == 0 && rest.n == 0)
		return CTL_YES;
	if (b->line == 1 && dlk_bytes_equal(first, dlk_bytes_str("user")))
		return CTL_YES;
	const char *why = read_line(b->enroll, line, &b->row[b->n]);
	if (!why) {
		b->n++;
		return b->n == CHUNK ? settle(b) : CTL_YES;
	}
	/* in the order of the list */
	const struct dlk_token_row bad = { .user = "" };
	int end = settle(b);
	if (end != CTL_YES)
		return end;
	b->bad++;
	fprintf(stderr, "doublelock: line %zu: %s\n", b->line, why);
	return print_line(b, &bad, "bad", why, none);
}

int
ctl_enroll_batch(struct enroll *e)
{
	const struct ctl_file *file = &e->batch_files.file[0];
	__attribute__((cleanup(batch_cleanup))) struct batch *b = calloc(1, sizeof(*b));
	int end = CTL_YES;

	if (!b)
		return ctl_fault("out of memory");
	if (file->error < 0)
		return ctl_fault("%s: %s", file->label, dlk_file_error(file->error));
	b->enroll = e;
	for (size_t at = 0; at < file->content.n && end == CTL_YES;) {
		const uint8_t *begin = file->content.p + at;
		const uint8_t *stop = memchr(begin, '\n', file->content.n - at);
		size_t n = stop ? (size_t)(stop - begin) : file->content.n - at;
		end = take_line(b, DLK_BYTES(begin, n));
		at += n + 1;
	}
	if (end == CTL_YES)
		end = settle(b);
	fprintf(stderr, "%s%zu lines: %zu enrolled, %zu present before, %zu bad\n",
	    isatty(STDERR_FILENO) ? "\r" : "", b->line, b->enrolled, b->present, b->bad);
	return end == CTL_YES && b->bad > 0 ? CTL_REFUSED : end;
}
