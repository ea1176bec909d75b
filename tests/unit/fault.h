/* SPDX-License-Identifier: MIT */
/* fault.h - a disk that fails at a chosen write: a layer of SQLite's files, for tests. */
#ifndef DLK_TESTS_FAULT_H
#define DLK_TESTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE = 0,
	FAULT_EIO,   /* the operation fails, nothing of it is done */
	FAULT_FULL,  /* as on a full disk */
	FAULT_SHORT, /* half of it is written, then an error */
	FAULT_DEAD,  /* every operation from there on fails */
	FAULT_KILL,  /* the process is gone before the operation */
	FAULT_TORN,  /* half of it is written, and the process is gone */
	FAULT_POWER, /* the power is gone, and with it all that was not synced */
	FAULT_LOTS,  /* the same, but some of it has reached the disk */
	FAULT_NOMEM, /* not the disk: SQLite gets no memory, once */
	FAULT_POOR   /* and from there on none at all */
};

struct fault {
	enum fault_kind kind;
	long at;    /* number of the operation (write, sync, truncate; for memory, allocation)
		     * that fails; from 1 */
	long count; /* operations so far */
	bool hit;
	uint64_t seed; /* for FAULT_LOTS */
};
extern struct fault fault;

/* From now on databases are opened through it. Before anything else of SQLite. Syncs are
 * counted and not done: what they would have kept is known here. */
void fault_install(void);
void fault_arm(enum fault_kind kind, long at, uint64_t seed);

#endif
