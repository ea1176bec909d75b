/* SPDX-License-Identifier: MIT */
/* doctor.h - what the parts of `doublelock doctor` share: a finding, and where it goes. */
#ifndef DLK_AGENT_CTL_DOCTOR_H
#define DLK_AGENT_CTL_DOCTOR_H

#include "ctl.h"

enum doctor_severity { DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_CRITICAL };

/* A file of pam.d or sshd's words, read while there was the right to. */
struct doctor {
	const char *config, *sshd_config;
	bool json, accept_clock, accept_restore;
	int64_t now;
	struct ctl_files pam; /* each label is the service's name */
	struct dlk_buf sshd;  /* what `sshd -T` says */
	int sshd_error;       /* -errno; 0: said */
	bool sshd_matches;    /* its configuration has Match blocks */
	struct dlk_engine *engine;
	json_t *list;
	unsigned critical;
};

/* `change` is the line to change or the command to type; each is one sentence. */
void doctor_find(struct doctor *d, enum doctor_severity severity, const char *subject,
    const char *change, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* While the process still is who started it. */
void doctor_read_pam(struct doctor *d);
void doctor_read_sshd(struct doctor *d);
/* What a program writes to its standard output. 0 or -errno; -EINVAL where it fails. */
int doctor_listen(char *const *argv, struct dlk_buf *said);
/* Afterwards, as `doublelock`. */
void doctor_check_pam(struct doctor *d);
void doctor_check_sshd(struct doctor *d);
void doctor_check_prove(struct doctor *d);
void doctor_check_reach(struct doctor *d);
void doctor_check_trust(struct doctor *d);
void doctor_check_record(struct doctor *d);

#endif
