/* SPDX-License-Identifier: MIT */
/*
 * refresh.h - the file of one URL, made new: fetched, judged, and only then put in the place
 * of the one that is held. What does not hold leaves everything as it was.
 */
#ifndef DLK_AGENT_REFRESH_H
#define DLK_AGENT_REFRESH_H

#include "agent/crlurls.h"
#include "agent/download.h"

#define DLK_REFRESH_WORDS 1024

enum dlk_refreshed {
	DLK_REFRESHED_NEW = 0,
	DLK_REFRESHED_SAME,
	DLK_REFRESHED_FAILED, /* what is held stays; the words say why */
	DLK_REFRESHED_STOPPED
};

struct dlk_refresh {
	const struct dlk_engine *engine; /* with trust and lists */
	const struct dlk_crl_urls *urls; /* the CAs that may have signed a list as well */
	/* as dlk_download(); `via` is its own */
	int (*download)(void *via, const struct dlk_download *download, int64_t *ret_modified,
	    char *words);
	void *via;
	bool (*stop)(void *ctx); /* may be NULL */
	void *ctx;
};

/* The directory of fetched lists, made where it is missing. 0 or -errno. */
int dlk_refresh_prepare(const struct dlk_settings *settings);
/* `words` has DLK_REFRESH_WORDS, and is without the URL. Blocks. */
enum dlk_refreshed dlk_refresh_one(const struct dlk_refresh *refresh,
    const struct dlk_crl_url *url, int64_t now, char *words);
/* When the file is to be fetched again; INT64_MIN where there is none that serves. */
int64_t dlk_refresh_due(
    const struct dlk_settings *settings, const struct dlk_crl_url *url, uint32_t random);

/* Three quarters of its time, and up to a sixteenth earlier, as `random` has it. */
int64_t dlk_refresh_due_of(int64_t this_update, int64_t next_update, uint32_t random);
/* Seconds after which one that is not due is asked for all the same: three and a half to four
 * hours, as `random` has it. A CA may make a list long before the one before is over. */
int64_t dlk_refresh_ask_after(uint32_t random);
/* Seconds after so many failures in a row: a minute, two, up to an hour. */
int64_t dlk_refresh_pause(unsigned failures);

#endif
