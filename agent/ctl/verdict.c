/* SPDX-License-Identifier: MIT */
/* verdict.c - a verdict, for people and for programs. It decides nothing. */
#include "ctl.h"

#include <stdio.h>

#include "base/clock.h"

static void
print_pair(const char *what, const char *value)
{
	if (value[0])
		printf("  %-12s %s\n", what, value);
}

static int
print_words(const struct dlk_verdict *v, const char *relaxed)
{
	char until[DLK_TIME_TEXT] = "";
	bool yes = v->reason == DLK_R_OK;

	if (v->good_until != 0)
		dlk_time_text(v->good_until, until);
	printf("%s %s\n", yes ? "accept" : "refuse", dlk_reason_str(v->reason));
	if (yes)
		printf("the certificate is valid, trusted and not revoked\n");
	else
		printf("%s\nmeans: %s\nto do: %s\n",
		    v->detail[0] ? v->detail : "no more is known",
		    dlk_reason_meaning(v->reason), dlk_reason_remedy(v->reason));
	print_pair("user", v->user);
	print_pair("subject", v->subject);
	print_pair("issuer", v->issuer);
	print_pair("serial", v->serial);
	print_pair("fingerprint", v->fingerprint);
	print_pair("good until", until);
	print_pair("relaxed", relaxed);
	return fflush(stdout) == 0 ? ctl_end_of(v->reason)
				   : ctl_fault("the answer could not be written");
}

int
ctl_print_verdict(const struct dlk_verdict *v, const char *relaxed, bool json)
{
	if (!json)
		return print_words(v, relaxed);
	return ctl_print(
	    json_pack("{s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s}", "allow",
		v->reason == DLK_R_OK, "reason", dlk_reason_str(v->reason), "stage",
		dlk_stage_str(v->stage), "detail", v->detail, "user", v->user, "subject",
		v->subject, "issuer", v->issuer, "serial", v->serial, "fingerprint",
		v->fingerprint, "good_until", ctl_time(v->good_until), "relaxed", relaxed),
	    ctl_end_of(v->reason));
}
