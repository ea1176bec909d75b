/* SPDX-License-Identifier: MIT */
/* clock.h - times as unix seconds, any year from 1 to 9999, and durations as text. */
#ifndef DLK_BASE_CLOCK_H
#define DLK_BASE_CLOCK_H

#include <stdint.h>

#define DLK_TIME_NEVER INT64_MAX
#define DLK_TIME_TEXT  32 /* room for any text that is made here */

/* The one place that reads the wall clock; the core gets its time as an argument. */
int64_t dlk_clock_now(void);
/* UTC, proleptic Gregorian. 0, or -EINVAL where there is no such date or time of day. */
int dlk_time_from_civil(
    int64_t year, int month, int day, int hour, int minute, int second, int64_t *ret_time);
/* RFC 3339, "2026-11-24T20:56:14Z"; "never" for DLK_TIME_NEVER. out has DLK_TIME_TEXT. */
void dlk_time_text(int64_t when, char *out);
/* "20261124205614Z", as expiry-time in sshd(8) takes it; the year is held to 1..9999. */
void dlk_time_compact(int64_t when, char *out);
/* Unix seconds, or RFC 3339 with Z or an offset, or a date alone. 0, -EINVAL, -ERANGE. */
int dlk_time_parse(const char *text, int64_t *ret_time);
/* "30s", "10m", "8h", "7d", or "0". Seconds; 0, -EINVAL, -ERANGE. */
int dlk_duration_parse(const char *text, int64_t *ret_seconds);
/* The shortest such text, "90s" stays "90s". out has DLK_TIME_TEXT. */
void dlk_duration_text(int64_t seconds, char *out);

#endif
