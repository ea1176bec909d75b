/* SPDX-License-Identifier: MIT */
/*
 * setup_take.c - what came back from the process that looked into foreign files: counted
 * octets, of which names and rules are text and everything else is written or shown as it is.
 * That process may have been taken over, so nothing of it is believed beyond its form.
 */
#include "setup.h"

#include <string.h>

#include "base/text.h"

/* Names of files come from a process that has read foreign octets. */
static bool
is_file_name(const char *name)
{
	return name[0] && strspn(name, "0123456789abcdef-delpart") == strlen(name) &&
	       strlen(name) < 32;
}

static int
take_file(const struct setup_site *site, struct setup_found *found, uint8_t piece,
    const char *name, struct dlk_bytes what)
{
	char whole[64];
	uint32_t at;

	if (!is_file_name(name))
		return ctl_fault("no name for a file came back");
	if (piece != SETUP_PIECE_LIST) {
		dlk_text_print(whole, sizeof(whole), "%s.pem", name);
		return setup_add(found,
			   piece == SETUP_PIECE_ANCHOR ? "trust.d" : "intermediates.d", whole,
			   what)
			   ? CTL_YES
			   : CTL_FAULT;
	}
	at = what.n == 4 ? dlk_get_be32(what.p) : UINT32_MAX;
	if (at >= site->crl_files.n)
		return ctl_fault("a list came back that was not given");
	dlk_text_print(whole, sizeof(whole), "%s.crl", name);
	for (size_t i = 0; i < found->n_files; i++)
		if (strcmp(found->file[i].name, whole) == 0)
			dlk_text_print(whole, sizeof(whole), "%s-%u.crl", name, at);
	return setup_add(
		   found, "crl.d", whole, dlk_bytes_of(&site->crl_files.file[at].content))
		   ? CTL_YES
		   : CTL_FAULT;
}

static int
take_rule(struct setup_found *found, const char *text, struct dlk_bytes what)
{
	struct setup_rule *rule = &found->rule[found->n_rules];

	for (size_t i = 0; i < found->n_rules; i++)
		if (strcmp(found->rule[i].text, text) == 0)
			return CTL_YES;
	if (found->n_rules == SETUP_RULES || what.n < 2)
		return CTL_YES;
	rule->known = what.p[0] == '+';
	dlk_text_print(rule->user, sizeof(rule->user), "%.*s", (int)(what.n - 1),
	    (const char *)what.p + 1);
	if (dlk_text_is_account(dlk_bytes_str(rule->user)) && dlk_text_is_name(text) &&
	    dlk_text_copy(rule->text, sizeof(rule->text), text))
		found->n_rules++;
	return CTL_YES;
}

/* It is shown on root's terminal. */
static bool
is_shown(struct dlk_bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < ' ' || text.p[i] > '~') &&
		    (text.p[i] != '\n' || i + 1 < text.n))
			return false;
	return text.n > 0;
}

static int
take_piece(const struct setup_site *site, struct setup_found *found, uint8_t piece,
    struct dlk_bytes octets)
{
	const uint8_t *end = memchr(octets.p, 0, octets.n);
	const char *name = (const char *)octets.p;

	if (!end)
		return ctl_fault("half a piece came back");
	struct dlk_bytes what = DLK_BYTES(end + 1, octets.n - (size_t)(end + 1 - octets.p));
	switch (piece) {
	case SETUP_PIECE_ANCHOR:
	case SETUP_PIECE_INTERMEDIATE:
	case SETUP_PIECE_LIST:
		return take_file(site, found, piece, name, what);
	case SETUP_PIECE_RULE:
		return take_rule(found, name, what);
	case SETUP_PIECE_SAMPLE:
		return dlk_buf_add(&found->sample, SETUP_RESULT_MAX, what) == 0 ? CTL_YES
										: CTL_FAULT;
	case SETUP_PIECE_ABOUT:
		if (!is_shown(what))
			return ctl_fault("something else than text came back");
		return dlk_buf_add(&found->about, SETUP_RESULT_MAX, what) == 0 ? CTL_YES
									       : CTL_FAULT;
	default:
		return ctl_fault("something else came back");
	}
}

int
setup_take(const struct setup_site *site, struct setup_found *found, struct dlk_bytes octets)
{
	int end = CTL_YES;

	while (end == CTL_YES && octets.n > 0) {
		size_t n = octets.n < 5 ? 0 : dlk_get_be32(octets.p + 1);

		if (n == 0 || n > octets.n - 5)
			return ctl_fault("half a piece came back");
		end = take_piece(site, found, octets.p[0], DLK_BYTES(octets.p + 5, n));
		octets = DLK_BYTES(octets.p + 5 + n, octets.n - 5 - n);
	}
	return end == CTL_YES && found->sample.n == 0 ? ctl_fault("no sample came back") : end;
}
