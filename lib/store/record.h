/* SPDX-License-Identifier: MIT */
/*
 * record.h - the database in /var/lib/doublelock: used codes, failures, remembered logins,
 * events. One connection; one transaction at a time.
 */
#ifndef DLK_STORE_RECORD_H
#define DLK_STORE_RECORD_H

#include "core/ports.h"
#include "store/seal.h"

struct dlk_record;
/* Never creates: a login that made an empty database would let everybody in where codes are
 * asked of the enrolled only. `seal` (borrowed, outlives the record) may be NULL: what needs
 * it is -ENOKEY then. Errors: -ENOENT, -EACCES, -EROFS, -ENOSPC, -EIO, -EBADMSG (no database
 * of ours), -ESTALE (a newer program's), and words for them in `trouble`. */
int dlk_record_open(const char *file, const struct dlk_seal *seal,
    struct dlk_record **ret_record, struct dlk_finding *trouble);
/* Makes the file (mode 0600) where there is none, and then opens it. Migrates an older one. */
int dlk_record_create(const char *file, const struct dlk_seal *seal,
    struct dlk_record **ret_record, struct dlk_finding *trouble);
void dlk_record_close(struct dlk_record *record);
void dlk_record_cleanup(struct dlk_record **record);
#define DLK_AUTO_RECORD __attribute__((cleanup(dlk_record_cleanup))) struct dlk_record

/* The ports of the same names (core/ports.h), with ctx a struct dlk_record *. */
int dlk_record_begin(
    void *ctx, const struct dlk_subject *subject, int64_t now, struct dlk_memory *memory);
int dlk_record_settle(void *ctx, const struct dlk_settlement *settlement, char *ret_event_id);
int dlk_record_recall(void *ctx, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_mark *ret_mark,
    struct dlk_event *ret_event);
int dlk_record_kept(void *ctx, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_kept *ret_kept);
void dlk_record_abandon(void *ctx);
int dlk_record_recovery_mac(
    void *ctx, const char *user, const struct dlk_secret *typed, uint8_t *ret_mac);
/* Words for the last error, naming the file. */
const char *dlk_record_trouble(const struct dlk_record *record);

/* From here on the ports settle into one transaction, one decision after another, and what
 * they return says that it was written, not that it is durable. commit ends that: 0, and all
 * of it is durable, or -errno and nothing of it was ever there. */
void dlk_record_gather(struct dlk_record *record);
int dlk_record_commit(struct dlk_record *record);

/* 0 where it can be written now: for /healthz. */
int dlk_record_probe(struct dlk_record *record);
/* Forgets the highest time settled: doctor --accept-clock. */
int dlk_record_accept_clock(struct dlk_record *record, int64_t now);
/* The file is not the one that it was when its last transaction ended: a backup was put back,
 * or it was copied. HOTP tokens and recovery codes are not taken then. Known from the first
 * transaction on (dlk_record_probe). What is written back into the same file (sqlite3's
 * .restore, a snapshot of the whole machine) does not show. */
bool dlk_record_is_restored(const struct dlk_record *record);
/* They are taken again: doctor --accept-restore. */
int dlk_record_accept_restore(struct dlk_record *record);

#endif
