/* SPDX-License-Identifier: MIT */
/*
 * setup.h - what the parts of the first setup share: what was asked for, what an unprivileged
 * process found in the files that were named, and the files that come of it.
 */
#ifndef DLK_AGENT_CTL_SETUP_H
#define DLK_AGENT_CTL_SETUP_H

#include <limits.h>

#include "ctl.h"

#define SETUP_STAGE DLK_SYSCONFDIR "/setup.new" /* the whole as it would be, to be judged */
#define SETUP_CONF  "setup.conf"                /* ours, in conf.d */
#define SETUP_FILES 256
#define SETUP_RULES 16
#define SETUP_TYPED 256

/* What was asked for, by options or by answers. */
struct setup_site {
	struct ctl_texts ca, crl; /* of crl: files and URLs */
	const char *rule, *sample, *admin, *services, *break_glass, *within;
	bool yes, json;
	char *typed[SETUP_TYPED]; /* owned */
	size_t n_typed;
	struct ctl_files ca_files, crl_files, sample_file;
	struct ctl_texts urls;
};

void setup_site_fini(struct setup_site *site);

/* What can be chosen: its word, its PAM service, and what the section demands. */
struct setup_entrance {
	const char *word, *section, *demands;
	bool by_certificate;
};
extern const struct setup_entrance setup_entrances[]; /* a NULL word ends them */
bool setup_chosen(const struct setup_site *site, const struct setup_entrance *entrance);

/* A file below /etc/doublelock. */
struct setup_file {
	char dir[24], name[80]; /* dir "" is the directory itself */
	struct dlk_buf content;
	enum { SETUP_NEW = 0, SETUP_BECOMES, SETUP_SAME } state;
};
/* A rule that finds a name in the sample. */
struct setup_rule {
	char text[200], user[64];
	bool known; /* an account has the name */
};
struct setup_found {
	struct setup_file file[SETUP_FILES];
	size_t n_files;
	struct setup_rule rule[SETUP_RULES];
	size_t n_rules;
	struct dlk_buf about;  /* the sample's fields, as lines for people */
	struct dlk_buf sample; /* its certificate alone, PEM */
};
void setup_found_fini(struct setup_found *found);
/* NULL and a line where there is no room. The content is copied. */
struct setup_file *setup_add(
    struct setup_found *found, const char *dir, const char *name, struct dlk_bytes content);

/* False after a line: CTL_USAGE. */
bool setup_options(struct ctl_call *call, struct setup_site *site);
/* Asks for what the options lack, looks at all of it, and reads the files. A ctl_end. */
int setup_ask(struct ctl_call *call, struct setup_site *site);
/* The rule that was given, or is chosen now by somebody who sees the sample's fields. */
int setup_rule(struct setup_site *site, const struct setup_found *found);
/* A line that is typed; NULL at the end of input, "" for an empty one. */
const char *setup_answer(struct setup_site *site, const char *question);
int setup_nothing(void);

#define SETUP_RESULT_MAX ((size_t)8 * 1024 * 1024)
/* What a piece of the result is; then 32 bits of length, then its octets. */
enum setup_piece {
	SETUP_PIECE_ANCHOR = 'A',
	SETUP_PIECE_INTERMEDIATE = 'I',
	SETUP_PIECE_LIST = 'L',
	SETUP_PIECE_SAMPLE = 'S',
	SETUP_PIECE_ABOUT = 'T',
	SETUP_PIECE_RULE = 'R'
};
/* Pieces, as they came back. CTL_YES where a sample is among them. */
int setup_take(
    const struct setup_site *site, struct setup_found *found, struct dlk_bytes octets);
/* The files that were named, taken apart by a process without rights. A ctl_end, with a line
 * that says what to type instead. */
int setup_read(const struct setup_site *site, struct setup_found *found);

/* What each file would do to what is there; a ctl_end. */
int setup_compare(struct setup_found *found);
void setup_show(const struct setup_found *found);
/* The whole of /etc/doublelock as it would be, in SETUP_STAGE; and away again. */
int setup_stage(const struct setup_found *found);
void setup_unstage(void);
/* Each file atomically, what others need first, those that are the same not at all. */
int setup_write(const struct setup_found *found);

/* This program again, with other words (NULL ends them) and nothing to read but where `asks`.
 * What it prints goes into `out` where that is given. How it ended: a ctl_end. */
int setup_run(const char *const *words, bool asks, struct dlk_buf *out);

/* `doublelock setup` without a word behind it. */
int setup_first(struct ctl_call *call);

#endif
