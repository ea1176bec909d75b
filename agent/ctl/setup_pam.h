/* SPDX-License-Identifier: MIT */
/* setup_pam.h - our line in PAM stacks. */
#ifndef DLK_AGENT_CTL_SETUP_PAM_H
#define DLK_AGENT_CTL_SETUP_PAM_H

#include "setup_change.h"

/* What the stack becomes: `ours` (a line with its end) where the first line that asks stood.
 * The others that ask become comments where we are to ask `alone`, and stay below otherwise;
 * other lines of our module become comments. 0 or -errno. */
int setup_stack_rewrite(struct setup_change *change, const char *ours, bool alone);
/* Whether what is planned has no way past us, and libpam takes it and our module. A ctl_end;
 * nothing is written but a directory of this call's own. */
int setup_stack_try(const struct setup_changes *changes, enum setup_place place);

/* What becomes of the stacks of "sudo" or "login"; and what doctor says of them once they are
 * written. Each a ctl_end. */
int setup_pam_plan(struct setup_changes *changes, const char *name);
int setup_pam_agrees(const char *service);

#endif
