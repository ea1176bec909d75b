/* SPDX-License-Identifier: MIT */
/*
 * usersfile.h - a line of the file that pam_oath and mod_authn_otp keep, read to import:
 * TYPE USER PASSWORD HEXKEY [COUNTER [LASTOTP [YYYY-MM-DDTHH:MM:SSL]]]
 */
#ifndef DLK_CORE_USERSFILE_H
#define DLK_CORE_USERSFILE_H

#include "core/otp.h"
#include "model/request.h"

struct dlk_usersline {
	char user[DLK_NAME_MAX + 1];
	struct dlk_otp otp;
	bool has_password;                      /* which is not taken */
	char last_code[DLK_OTP_DIGITS_MAX + 1]; /* "" where none was used */
	int64_t
	    last_time; /* of it, by the local clock there as if it were UTC; 0: not known */
};
void dlk_usersline_fini(struct dlk_usersline *line); /* wipes */
#define DLK_AUTO_USERSLINE __attribute__((cleanup(dlk_usersline_fini))) struct dlk_usersline

/* 0; -ENODATA for an empty line or a comment; -EINVAL and what is wrong (static words). */
int dlk_usersline_parse(
    struct dlk_bytes text, struct dlk_usersline *ret_line, const char **ret_why);
/* Sets otp.last_step to the step of the last code that was used; `when` is last_time as unix
 * seconds. A code that is not found near it bars the steps up to that time. */
void dlk_usersline_use(struct dlk_usersline *line, int64_t when);

#endif
