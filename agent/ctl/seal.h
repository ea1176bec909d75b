/* SPDX-License-Identifier: MIT */
/* seal.h - the sealing key of a machine on which nothing was sealed yet. */
#ifndef DLK_AGENT_CTL_SEAL_H
#define DLK_AGENT_CTL_SEAL_H

#include "ctl.h"

/* Makes the key where neither a key nor a database is there; anything else is left as it is.
 * Before ctl_become(). A ctl_end. */
int ctl_seal_first(const char *config);

#endif
