/* SPDX-License-Identifier: MIT */
/* outread.c - questions to a directory and what comes back, as messages. */
#include "agent/outread.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "wire/frame.h"

#define OPEN_MS   20000  /* more than it has by itself */
#define SEARCH_MS 330000 /* likewise */

static int
say_ca(struct dlk_outward *outward, const char *path, char *words)
{
	DLK_AUTO_BUF content = { 0 };
	int r = path ? dlk_file_read(path, DLK_OUT_FILE_MAX, NULL, &content) : -ENOENT;

	if (r == 0)
		return dlk_outward_say_file(outward, DLK_OUT_CA, dlk_bytes_of(&content));
	dlk_text_print(
	    words, DLK_OUTREAD_WORDS, "%.150s: %s", path ? path : "", dlk_file_error(r));
	return -EPROTO;
}

static int
is_done(struct dlk_outward *outward, const struct dlk_out_message *m, char *words)
{
	if (m->kind == DLK_OUT_DONE)
		return 0;
	if (m->kind != DLK_OUT_FAILED)
		return dlk_outward_out_of_step(outward);
	dlk_text_print(
	    words, DLK_OUTREAD_WORDS, "%.*s", (int)m->text[0].n, (const char *)m->text[0].p);
	return -EPROTO;
}

int
dlk_outread_open(struct dlk_outward *outward, const struct dlk_settings *settings,
    const struct dlk_secret *password, char words[DLK_OUTREAD_WORDS])
{
	const struct dlk_out_message ask = { .kind = DLK_OUT_OPEN,
		.text = { dlk_bytes_str(settings->ldap.url),
		    dlk_bytes_str(settings->ldap.base), dlk_bytes_str(settings->ldap.user),
		    dlk_bytes_str(settings->ldap.bind_dn),
		    DLK_BYTES(password->b, password->n) } };
	struct dlk_out_message m;
	int r = dlk_outward_rest(outward);

	words[0] = '\0';
	if (r == 0)
		r = dlk_outward_begin(outward);
	if (r == 0)
		r = say_ca(outward, settings->ldap.ca, words);
	if (r == 0)
		r = dlk_outward_say(outward, &ask);
	if (r == 0)
		r = dlk_outward_hear(outward, dlk_monotonic_ms() + OPEN_MS, &m);
	return r ? r : is_done(outward, &m, words);
}

static int
show(const struct dlk_out_message *m,
    int (*each)(void *arg, const char *user, struct dlk_bytes der), void *arg)
{
	char user[DLK_OUT_USER_MAX + 1];

	memcpy(user, m->text[0].p, m->text[0].n);
	user[m->text[0].n] = '\0';
	return each(arg, user[0] ? user : NULL, m->text[1]);
}

int
dlk_outread(struct dlk_outward *outward, const char *filter,
    int (*each)(void *arg, const char *user, struct dlk_bytes der), void *arg,
    char words[DLK_OUTREAD_WORDS])
{
	const struct dlk_out_message ask = { .kind = DLK_OUT_SEARCH,
		.text = { dlk_bytes_str(filter) } };
	int64_t until = dlk_monotonic_ms() + SEARCH_MS;
	struct dlk_out_message m;
	int r = dlk_outward_say(outward, &ask);

	if (r == 0)
		r = dlk_outward_hear(outward, until, &m);
	while (r == 0 && m.kind == DLK_OUT_ENTRY) {
		r = show(&m, each, arg);
		if (r != 0)
			dlk_outward_end(
			    outward); /* there is more to come, and nobody hears it */
		else
			r = dlk_outward_hear(outward, until, &m);
	}
	return r ? r : is_done(outward, &m, words);
}
