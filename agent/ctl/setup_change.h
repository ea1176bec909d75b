/* SPDX-License-Identifier: MIT */
/*
 * setup_change.h - files of root's that are changed together: what was there is kept, and
 * comes back by itself unless somebody confirms from a new login.
 */
#ifndef DLK_AGENT_CTL_SETUP_CHANGE_H
#define DLK_AGENT_CTL_SETUP_CHANGE_H

#include "ctl.h"

#define SETUP_FILE_MAX ((size_t)256 * 1024)

/* All the files that are ever changed. */
enum setup_place {
	SETUP_SSHD_DROP_IN,
	SETUP_PAM_SSHD,
	SETUP_PAM_SUDO,
	SETUP_PAM_SUDO_I,
	SETUP_PAM_LOGIN,
	SETUP_PLACES
};
const char *setup_place_dir(enum setup_place place);
const char *setup_place_name(enum setup_place place);

struct setup_change {
	bool chosen, was_there;
	struct dlk_buf before, after;
};
struct setup_changes {
	struct setup_change change[SETUP_PLACES];
};
void setup_changes_fini(struct setup_changes *changes);
#define AUTO_CHANGES __attribute__((cleanup(setup_changes_fini))) struct setup_changes

/* Takes a line with its end off the front of what is not empty. */
struct dlk_bytes setup_take_line(struct dlk_bytes *rest);
/* Chooses the file and reads what is there. A ctl_end. */
int setup_change_read(struct setup_changes *changes, enum setup_place place);
/* Appends to what it becomes. 0 or -errno. */
int setup_change_add(struct setup_change *change, struct dlk_bytes what);
bool setup_changes_in_force(const struct setup_changes *changes);
void setup_changes_show(const struct setup_changes *changes);

/* As options have it; 10 minutes where there is none. A ctl_end. */
int setup_within(struct ctl_call *call, const char *within, int64_t *ret_seconds);
/* What a run before this one left behind when it was cut off is undone. A ctl_end. */
int setup_undo_left(void);
/* Writes, and puts back at once where `agrees` does not, after so many seconds where nobody
 * confirms. Each answer is a ctl_end. `then` are the words for the operator. */
int setup_changes_apply(const struct setup_changes *changes, int64_t within,
    int (*agrees)(void *arg), void *arg, const char *then);
int setup_roll_back(void);
int setup_confirm(void);

#endif
