/* SPDX-License-Identifier: MIT */
/* outfetch.c - octets that arrive are counted and written; what they mean is for others. */
#include "agent/outfetch.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "wire/frame.h"

#define TRIES   3
#define SPARE_S 15

static int
fail(char *words, const char *why)
{
	dlk_text_print(words, DLK_DOWNLOAD_WORDS, "%s", why);
	return -EIO;
}

/* What is written so far is none of the file's. */
static int
empty(int fd)
{
	return ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 ? 0 : -errno;
}

static int
take(const struct dlk_download *d, struct dlk_bytes octets, int64_t *written, char *words)
{
	*written += (int64_t)octets.n;
	if (*written > DLK_DOWNLOAD_MAX)
		return fail(words, "longer than 256 MB");
	int r = dlk_fd_write(d->fd, octets);
	return r < 0 ? fail(words, dlk_file_error(r)) : 0;
}

/* 1, 0 and -errno as dlk_download(); without words it is doublelock-outward's fault. */
static int
hear(struct dlk_outward *outward, const struct dlk_download *d, int64_t *ret_modified,
    char *words)
{
	int64_t until = dlk_monotonic_ms() + 1000 * (DLK_DOWNLOAD_S + SPARE_S), written = 0;
	struct dlk_out_message m;
	int r = dlk_outward_hear(outward, until, &m);

	while (r == 0 && m.kind == DLK_OUT_DATA) {
		r = take(d, m.text[0], &written, words);
		if (r == 0)
			r = dlk_outward_hear(outward, until, &m);
		else
			dlk_outward_end(outward);
	}
	if (r < 0)
		return r;
	if (m.kind == DLK_OUT_FAILED) {
		dlk_text_print(words, DLK_DOWNLOAD_WORDS, "%.*s", (int)m.text[0].n,
		    (const char *)m.text[0].p);
		return -EIO;
	}
	if (m.kind != DLK_OUT_FETCHED || (m.number[0] == 0 && d->since <= 0))
		return dlk_outward_out_of_step(outward);
	*ret_modified = m.number[1];
	return (int)m.number[0];
}

static int
fetch(struct dlk_outward *outward, const struct dlk_download *d, int64_t *ret_modified,
    char *words)
{
	const struct dlk_out_message ask = { .kind = DLK_OUT_FETCH,
		.number = { d->since > 0 ? d->since : 0, d->anywhere },
		.text = { dlk_bytes_str(d->url) } };
	int r = dlk_outward_rest(outward);

	if (r == 0)
		r = dlk_outward_begin(outward);
	if (r == 0)
		r = dlk_outward_say(outward, &ask);
	return r ? r : hear(outward, d, ret_modified, words);
}

int
dlk_outfetch(struct dlk_outward *outward, const struct dlk_download *download,
    int64_t *ret_modified, char *words)
{
	int r = -EPIPE;

	words[0] = '\0';
	for (int i = 0; i < TRIES && r < 0 && r != -ECANCELED && !words[0]; i++) {
		r = empty(download->fd);
		if (r == 0)
			r = fetch(outward, download, ret_modified, words);
	}
	if (r < 0 && r != -ECANCELED && !words[0])
		return fail(words, dlk_outward_error(r));
	return r;
}
