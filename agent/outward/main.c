/* SPDX-License-Identifier: MIT */
/*
 * main.c - doublelock-outward, the one part of the agent that speaks with the world: what it
 * asks is foreign, what comes back is foreign, and the libraries that read it are large. So it
 * has no key, no state, and nobody believes it anything. The agent starts it when there is
 * something to fetch or to deliver; its standard input is the agent's socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "agent/outward/bounds.h"
#include "agent/outward/serve.h"
#include "base/file.h"
#include "base/say.h"

enum { EXIT_USAGE = 2, EXIT_FAULT = 3 };

static int
broken(const char *what, int error)
{
	dlk_say(DLK_ERROR, "%s: %s", what, dlk_file_error(error));
	return EXIT_FAULT;
}

static bool
is_started_by_agent(void)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	return getpeername(STDIN_FILENO, (struct sockaddr *)&address, &size) == 0 &&
	       address.ss_family == AF_UNIX;
}

int
main(int argc, char **argv)
{
	(void)argv;
	dlk_say_to_stderr("doublelock-outward");
	if (argc != 1 || !is_started_by_agent()) {
		fputs("doublelock-outward is started by doublelockd(8)\n", stderr);
		return EXIT_USAGE;
	}
	/* OpenLDAP's library would read files and variables of others */
	if (setenv("LDAPNOINIT", "1", 1) != 0)
		return broken("starting", -errno);
	int r = dlk_bounds_enter();
	if (r < 0)
		return broken("giving up what it does not need", r);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return broken("libcurl", -ENOMEM);
	r = dlk_outward_serve(STDIN_FILENO);
	curl_global_cleanup();
	return r < 0 ? broken("the agent's socket", r) : 0;
}
