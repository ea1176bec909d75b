/* SPDX-License-Identifier: MIT */
/*
 * ctl.h - what the subjects of the command line share: how arguments are read, how a process
 * ends, what it gives up first. One file per subject holds everything else.
 */
#ifndef DLK_AGENT_CTL_H
#define DLK_AGENT_CTL_H

#include <jansson.h>

#include "config/engine.h"

/* How a process ends; a contract with scripts. */
enum ctl_end { CTL_YES = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_FAULT = 3 };

struct ctl_call;
struct ctl_subject {
	const char *name;
	int (*run)(struct ctl_call *call);
	const char *synopsis; /* what follows the name; NULL where verbs follow */
};
/* One run of a subject. After ctl_options() argv holds what stands alone. */
struct ctl_call {
	const struct ctl_subject *subject;
	const char *group; /* the word before, or NULL: "cert" of "cert add" */
	int argc;
	char **argv;
};

#define CTL_TEXTS_MAX 64
struct ctl_texts {
	const char *text[CTL_TEXTS_MAX];
	size_t n;
};
/* --NAME, --NAME VALUE or --NAME=VALUE; exactly one of the places is set. */
struct ctl_option {
	const char *name;
	bool *flag;
	const char **text;       /* once */
	struct ctl_texts *texts; /* repeats */
};
/* Options may stand anywhere before "--". False after a line on standard error: CTL_USAGE. */
bool ctl_options(
    struct ctl_call *call, const struct ctl_option *option, size_t n, int least, int most);
#define CTL_OPTIONS(call, table, least, most)                                                 \
	ctl_options(call, table, sizeof(table) / sizeof((table)[0]), least, most)
/* A whole number; an absent text leaves *ret alone. */
bool ctl_number(struct ctl_call *call, const char *option, const char *text, int64_t least,
    int64_t most, int64_t *ret);
/* Dispatches on argv[0]. */
int ctl_dispatch(
    const struct ctl_subject *table, size_t n, const char *group, int argc, char **argv);
#define CTL_DISPATCH(table, call)                                                             \
	ctl_dispatch(table, sizeof(table) / sizeof((table)[0]), (call)->subject->name,        \
	    (call)->argc, (call)->argv)

/* One line on standard error; returns CTL_USAGE, CTL_FAULT, CTL_REFUSED. */
int ctl_misused(const struct ctl_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int ctl_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
int ctl_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* CTL_YES, CTL_REFUSED or CTL_FAULT. */
int ctl_end_of(enum dlk_reason reason);

/* Prints the object in one line and gives it back. CTL_FAULT where it could not be made or
 * written, else `end`. */
int ctl_print(json_t *object, int end);
/* Escaped text that ends where `room` does; false where it is longer than that. */
bool ctl_name(const char *text, char *ret_name, size_t room);
/* A time as JSON: unix seconds, null for none and for never. */
json_t *ctl_time(int64_t when);

/*
 * Root becomes the user `doublelock` for good; everybody else stays who they are, and the
 * owners and modes of files say what they may. CTL_YES or CTL_FAULT.
 */
int ctl_become(void);
/* The name as the account database spells it; where it knows none, the name itself. CTL_YES,
 * CTL_USAGE for what is no name at all, CTL_FAULT where the database does not answer. */
int ctl_account(
    struct ctl_call *call, const char *name, char ret_user[DLK_NAME_MAX + 1], bool *ret_known);
/* ctl_become(), or nobody where there is no such user: for what needs no state. */
int ctl_become_nobody(void);
/* Who besides root may own files of configuration: nobody for root and `doublelock`, and for
 * another user, who has only their own rights anyway, themselves. */
uid_t ctl_owner(void);
/* Becomes, then opens; `config` NULL is the default file. CTL_YES or CTL_FAULT. */
int ctl_open(const char *config, unsigned parts, struct dlk_engine **ret_engine);
/* Who does it, for the record: "uid:1000", or "sudo:1000" where root came by sudo. Asked
 * before ctl_become(). ret_actor has CTL_ACTOR. */
#define CTL_ACTOR 32
void ctl_actor(char *ret_actor);

/* Files that an operator named, read while the rights to read them are still there, and
 * taken apart only after they were given up. Zeroed memory is none. */
struct ctl_file {
	char *label;
	struct dlk_buf content;
	int error; /* -errno, where it could not be read */
};
struct ctl_files {
	struct ctl_file *file;
	size_t n;
};
void ctl_files_fini(struct ctl_files *files);
#define CTL_AUTO_FILES __attribute__((cleanup(ctl_files_fini))) struct ctl_files
/* A file, or the files of a directory that end in one of the suffixes. A file that cannot be
 * read, or is longer than `most`, has its error kept. 0 or -ENOMEM. */
int ctl_files_read(
    struct ctl_files *files, const char *path, const char *const *suffixes, size_t most);
extern const char *const ctl_cert_suffixes[], *const ctl_crl_suffixes[];

/*
 * Runs `work` in a process of its own that has become `doublelock` or nobody, and hands over
 * what it appended to `result`, at most `most` octets. Returns how it ended (a ctl_end).
 */
typedef int ctl_work(void *arg, struct dlk_buf *result);
int ctl_apart(ctl_work *work, void *arg, size_t most, struct dlk_buf *ret_result);

/* A verdict for people, "accept ok" or "refuse REASON" first, or as one line of JSON. */
int ctl_print_verdict(const struct dlk_verdict *verdict, const char *relaxed, bool json);

extern const struct ctl_subject ctl_verify;
extern const struct ctl_subject ctl_ssh_carry, ctl_ssh_keys;
extern const struct ctl_subject ctl_cert;
extern const struct ctl_subject ctl_crl;
extern const struct ctl_subject ctl_why;
extern const struct ctl_subject ctl_events;
extern const struct ctl_subject ctl_status;
extern const struct ctl_subject ctl_doctor, ctl_setup;
extern const struct ctl_subject ctl_enroll;
extern const struct ctl_subject ctl_import;
extern const struct ctl_subject ctl_user;
extern const struct ctl_subject ctl_token;
extern const struct ctl_subject ctl_recovery;
extern const struct ctl_subject ctl_webhook;
extern const struct ctl_subject ctl_seal;
extern const struct ctl_subject ctl_init;

#endif
