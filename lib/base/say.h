/* SPDX-License-Identifier: MIT */
/*
 * say.h - diagnostics for the operator, one line each. Not linked by the PAM module, which
 * has pam_syslog. Text from outside is escaped by the caller (dlk_text_escape).
 */
#ifndef DLK_BASE_SAY_H
#define DLK_BASE_SAY_H

enum dlk_level { DLK_ERROR = 0, DLK_WARNING, DLK_NOTICE, DLK_INFO };

/* Where lines go; standard error until one of these was called. */
void dlk_say_to_syslog(const char *program);
void dlk_say_to_stderr(const char *program); /* with <N> prefixes under systemd */
void dlk_say(enum dlk_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
