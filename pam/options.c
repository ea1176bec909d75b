/* SPDX-License-Identifier: MIT */
/* options.c - reads the arguments. An unknown one is an error: a mistyped option that is
 * passed over is a door that stands open. */
#include "options.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#include "base/text.h"

static const char *
value_of(const char *argument, const char *name)
{
	size_t n = strlen(name);

	return strncmp(argument, name, n) == 0 && argument[n] == '=' ? argument + n + 1 : NULL;
}

static bool
take_path(const char *argument, const char *name, const char **path)
{
	const char *value = value_of(argument, name);

	if (!value || value[0] != '/')
		return false;
	*path = value;
	return true;
}

static bool
take_service(const char *argument, const char **service)
{
	const char *value = value_of(argument, "service");

	if (!value || !dlk_text_is_name(value))
		return false;
	*service = value;
	return true;
}

static bool
take(const char *argument, struct dlk_options *o)
{
	if (strcmp(argument, "try_first_pass") == 0)
		o->first_pass = DLK_FIRST_PASS_TRY;
	else if (strcmp(argument, "use_first_pass") == 0)
		o->first_pass = DLK_FIRST_PASS_ONLY;
	else if (strcmp(argument, "forward_pass") == 0)
		o->forward_pass = true;
	else if (take_path(argument, "agent", &o->agent))
		o->ask_agent = true;
	else
		return take_path(argument, "config", &o->config) ||
		       take_path(argument, "helper", &o->helper) ||
		       take_path(argument, "prove", &o->prove) ||
		       take_service(argument, &o->service);
	return true;
}

bool
dlk_options_parse(
    pam_handle_t *pamh, int argc, const char **argv, struct dlk_options *ret_options)
{
	struct dlk_options o = {
		.helper = DLK_LIBEXECDIR "/doublelock-helper",
		.prove = DLK_LIBEXECDIR "/doublelock-prove",
		.agent = DLK_RUNDIR "/module.sock",
	};

	for (int i = 0; i < argc; i++) {
		if (take(argv[i], &o))
			continue;
		pam_syslog(pamh, LOG_ERR, "argument '%s': unknown, or not of its form; see %s",
		    argv[i], "pam_doublelock(8)");
		return false;
	}
	if (o.ask_agent && o.config) {
		pam_syslog(pamh, LOG_ERR,
		    "arguments config= and agent=: the agent has its own configuration; "
		    "leave out one of them");
		return false;
	}
	*ret_options = o;
	return true;
}
