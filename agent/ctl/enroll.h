/* SPDX-License-Identifier: MIT */
/* enroll.h - making tokens, one for a person or many from a list. */
#ifndef DLK_AGENT_CTL_ENROLL_H
#define DLK_AGENT_CTL_ENROLL_H

#include "core/otpauth.h"
#include "ctl.h"
#include "store/tokens.h"

#define CTL_RECOVERY_CODES 10

struct enroll {
	const char *config, *label, *issuer, *digits, *period, *algorithm, *counter;
	const char *bind, *png, *batch;
	bool hotp, ascii, json, no_confirm, secret_stdin, recovery;
	char actor[CTL_ACTOR];
	char user[DLK_NAME_MAX + 1];
	bool known; /* the account database knows the user */
	char host[256];
	int64_t now;
	struct ctl_files bind_files, batch_files;
	FILE *png_out;
	struct dlk_engine *engine;
	struct dlk_token token; /* what all new tokens of this call have in common */
};

/* A new random secret of the length that the algorithm has. 0 or -errno. */
int ctl_token_secret(struct dlk_otp *otp);
/* Ten new codes, stored. 0 or -errno. */
int ctl_recovery_make(struct dlk_record *record, const char *user, const char *actor,
    int64_t now, struct dlk_secret codes[CTL_RECOVERY_CODES]);
void ctl_recovery_wipe(struct dlk_secret codes[CTL_RECOVERY_CODES]);
json_t *ctl_recovery_json(const struct dlk_secret codes[CTL_RECOVERY_CODES]);
void ctl_recovery_print(FILE *out, const struct dlk_secret codes[CTL_RECOVERY_CODES]);
/* A secret as a JSON string. */
json_t *ctl_secret_json(struct dlk_bytes secret);
/* One line of standard input, without its end: 0, -ENODATA, -EMSGSIZE, -errno. */
int ctl_read_line(struct dlk_secret *ret_line);
/* A secret as a maker of hardware tokens prints it: base32, or hex:DIGITS. 0 or -EINVAL. */
int ctl_secret_parse(const struct dlk_secret *text, struct dlk_secret *ret_key);

/* Every line of the list; a ctl_end. */
int ctl_enroll_batch(struct enroll *e);

#endif
