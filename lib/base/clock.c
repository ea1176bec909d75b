/* SPDX-License-Identifier: MIT */
/* clock.c - the calendar, without time_t arithmetic of the C library: years before 1970 and
 * after 2038 are ordinary here, and no time zone is ever looked up. */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define DAY  86400
#define LAST 253402300799 /* 9999-12-31T23:59:59Z */

int64_t
dlk_clock_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	return now.tv_sec;
}

/* Days since 1970-01-01; months counted from March, so that the leap day is the last one. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

static void
civil_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static int
month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

int
dlk_time_from_civil(
    int64_t year, int month, int day, int hour, int minute, int second, int64_t *ret_time)
{
	if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1)
		return -EINVAL;
	if (day > month_days(year, month) || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 59)
		return -EINVAL;
	*ret_time = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
	return 0;
}

struct civil {
	int year, month, day, hour, minute, second;
};

static void
split(int64_t when, struct civil *ret)
{
	int64_t first = -62135596800; /* 0001-01-01 */
	int64_t rest;

	when = when < first ? first : when > LAST ? LAST : when;
	rest = ((when % DAY) + DAY) % DAY;
	civil_of((when - rest) / DAY, &ret->year, &ret->month, &ret->day);
	ret->hour = (int)(rest / 3600);
	ret->minute = (int)(rest / 60 % 60);
	ret->second = (int)(rest % 60);
}

void
dlk_time_text(int64_t when, char *out)
{
	struct civil c;

	if (when == DLK_TIME_NEVER) {
		dlk_text_copy(out, DLK_TIME_TEXT, "never");
		return;
	}
	split(when, &c);
	dlk_text_print(out, DLK_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month,
	    c.day, c.hour, c.minute, c.second);
}

void
dlk_time_compact(int64_t when, char *out)
{
	struct civil c;

	split(when, &c);
	dlk_text_print(out, DLK_TIME_TEXT, "%04d%02d%02d%02d%02d%02dZ", c.year, c.month, c.day,
	    c.hour, c.minute, c.second);
}

/* Exactly `n` digits at *at, which moves on. */
static bool
digits(const char **at, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if ((*at)[i] < '0' || (*at)[i] > '9')
			return false;
		value = value * 10 + ((*at)[i] - '0');
	}
	*at += n;
	*ret = value;
	return true;
}

static bool
mark(const char **at, char a, char b)
{
	if (**at != a && **at != b)
		return false;
	(*at)++;
	return true;
}

/* "Z", or "+hh:mm" as seconds east of Greenwich. */
static bool
zone(const char **at, int *ret_east)
{
	int hours, minutes, sign = **at == '-' ? -1 : 1;

	if (mark(at, 'Z', 'z')) {
		*ret_east = 0;
		return true;
	}
	if (!mark(at, '+', '-') || !digits(at, 2, &hours) || !mark(at, ':', ':') ||
	    !digits(at, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_east = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
time_of_day(const char **at, struct civil *c, int *ret_east)
{
	if (!mark(at, 'T', ' ') || !digits(at, 2, &c->hour) || !mark(at, ':', ':') ||
	    !digits(at, 2, &c->minute) || !mark(at, ':', ':') || !digits(at, 2, &c->second))
		return false;
	if (mark(at, '.', '.')) {
		if (**at < '0' || **at > '9')
			return false;
		while (**at >= '0' && **at <= '9')
			(*at)++;
	}
	return zone(at, ret_east);
}

int
dlk_time_parse(const char *text, int64_t *ret_time)
{
	struct civil c = { 0 };
	const char *at = text;
	int64_t value;
	int east = 0, error;

	if (!digits(&at, 4, &c.year) || *at != '-')
		return dlk_int_parse(text, -62135596800, LAST, ret_time);
	at++;
	if (!digits(&at, 2, &c.month) || !mark(&at, '-', '-') || !digits(&at, 2, &c.day))
		return -EINVAL;
	if (*at && !time_of_day(&at, &c, &east))
		return -EINVAL;
	if (*at)
		return -EINVAL;
	error =
	    dlk_time_from_civil(c.year, c.month, c.day, c.hour, c.minute, c.second, &value);
	if (error == 0)
		*ret_time = value - east;
	return error;
}

static const struct {
	char unit;
	int seconds;
} units[] = { { 'd', DAY }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

int
dlk_duration_parse(const char *text, int64_t *ret_seconds)
{
	char number[16];
	size_t n = strlen(text);
	int64_t value;
	int error;

	if (strcmp(text, "0") == 0) {
		*ret_seconds = 0;
		return 0;
	}
	if (n < 2 || n > sizeof(number))
		return -EINVAL;
	memcpy(number, text, n - 1);
	number[n - 1] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (text[n - 1] != units[i].unit)
			continue;
		error = dlk_int_parse(number, 0, INT32_MAX, &value);
		if (error == 0)
			*ret_seconds = value * units[i].seconds;
		return error;
	}
	return -EINVAL;
}

void
dlk_duration_text(int64_t seconds, char *out)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (seconds == 0 || seconds % units[i].seconds != 0)
			continue;
		dlk_text_print(out, DLK_TIME_TEXT, "%lld%c",
		    (long long)(seconds / units[i].seconds), units[i].unit);
		return;
	}
	dlk_text_copy(out, DLK_TIME_TEXT, "0s");
}
