/* SPDX-License-Identifier: MIT */
/*
 * main.c - starts the agent, part after part, and ends it. Root, where it is there at all,
 * opens sockets and is gone before a foreign octet is read. It decides nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>
#include <malloc.h>

#include "agent/auth.h"
#include "agent/calls.h"
#include "agent/check.h"
#include "agent/fcgi.h"
#include "agent/gate.h"
#include "agent/health.h"
#include "agent/house.h"
#include "agent/http.h"
#include "agent/keeper.h"
#include "agent/landlock.h"
#include "agent/listen.h"
#include "agent/modules.h"
#include "agent/notify.h"
#include "agent/sandbox.h"
#include "agent/spop.h"
#include "agent/status.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/say.h"

enum { EXIT_USAGE = 2, EXIT_FAULT = 3 };

#define ENDING_S 10 /* for answers that are under way */

struct agent {
	char *config;
	const char *user;
	char *outward; /* the program */
	uid_t owner;   /* besides root, of the files that are believed */
	struct dlk_keeper *keeper;
	struct dlk_listeners listeners;
	struct event_base *base;
	struct dlk_http *http;
	struct dlk_modules *modules, *gateways;
	struct dlk_talks *spop, *fastcgi;
	struct dlk_house house;
	struct dlk_gate *gate;
	struct event *hup, *term, *interrupt, *ending, *watchdog, *sweeping, *alone;
	bool failed;
	int ticks;
};

static int
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: doublelockd [--config FILE] [--user NAME] [--outward PROGRAM]\n"
	    "       doublelockd --version\n");
	return to == stdout ? 0 : EXIT_USAGE;
}

static int
fault(const struct dlk_finding *finding)
{
	dlk_say(DLK_ERROR, "%s", finding->detail);
	return EXIT_FAULT;
}

static int
broken(const char *what, int error)
{
	dlk_say(DLK_ERROR, "%s: %s", what, dlk_file_error(error));
	return EXIT_FAULT;
}

/* Somebody who runs an agent of their own may own its files; nobody who is the agent's user
 * in earnest may. */
static int
settle_identity(struct agent *agent)
{
	const struct passwd *who = getpwnam(agent->user);

	if (!who) {
		dlk_say(DLK_ERROR, "user %s: does not exist", agent->user);
		return EXIT_FAULT;
	}
	if (geteuid() != 0 && geteuid() != who->pw_uid) {
		dlk_say(DLK_ERROR, "started as uid %u: want root or %s (or --user)",
		    (unsigned)geteuid(), agent->user);
		return EXIT_FAULT;
	}
	if (geteuid() != 0 && strcmp(agent->user, DLK_USER) != 0)
		agent->owner = geteuid();
	return 0;
}

static int
open_sockets(struct agent *agent)
{
	const struct dlk_care care = { .owned = true, .owner = agent->owner };
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding = { 0 };

	if (dlk_listen_inherited(&agent->listeners, &finding) < 0)
		return fault(&finding);
	if (dlk_settings_load(agent->config, &care, &settings, &finding) < 0)
		return fault(&finding);
	int r = dlk_listen_open(&settings->listen, &agent->listeners, &finding);
	dlk_settings_free(settings);
	return r < 0 ? fault(&finding) : 0;
}

static int
give_up_root(const struct agent *agent)
{
	int r = 0;

	if (geteuid() == 0)
		r = dlk_sandbox_become(agent->user);
	if (r < 0)
		return broken("giving up root", r);
	r = dlk_sandbox_harden();
	return r < 0 ? broken("hardening", r) : 0;
}

/* From here on no thread of this process can start a program or begin a connection; what
 * leaves this machine leaves by the keeper's children. */
static int
give_up_network(struct agent *agent)
{
	int r = dlk_keeper_start(agent->outward, &agent->keeper);

	if (r < 0)
		return broken(agent->outward, r);
	r = dlk_calls_forbid(DLK_CALLS_LOCAL);
	if (r == 0)
		r = dlk_landlock_forbid_tcp();
	return r < 0 ? broken("giving up the network", r) : 0;
}

/* JSON that came in held one-time codes. */
static void
wipe_and_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static size_t
threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores < 2)
		return 2;
	return cores < DLK_SERVE_THREADS_MAX ? (size_t)cores : DLK_SERVE_THREADS_MAX;
}

/* The gateways on other hosts; whether there may be any is settled by the sockets, for as
 * long as the agent runs. */
static int
open_gate(struct agent *agent, const struct dlk_engine *engine, struct dlk_finding *finding)
{
	struct dlk_tls *tls = NULL;
	int r = dlk_tls_open(dlk_engine_settings(engine), agent->owner, &tls, finding);

	if (r < 0 || !tls)
		return r;
	r = dlk_gate_new(&agent->house, tls, &agent->gate);
	if (r < 0)
		dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_INTERNAL, "no memory");
	return r;
}

/* What decides and what delivers. */
static int
furnish(struct agent *agent)
{
	struct dlk_engine *engine[DLK_SERVE_THREADS_MAX];
	struct dlk_errand *errand = NULL;
	struct dlk_finding finding = { 0 };
	size_t n = threads();

	if (dlk_errand_open(agent->config, agent->owner, &errand, &finding) < 0)
		return fault(&finding);
	if (dlk_reload_open(agent->config, agent->owner, n, engine, &finding) < 0) {
		dlk_errand_close(errand);
		return fault(&finding);
	}
	if (open_gate(agent, engine[0], &finding) < 0)
		return fault(&finding);
	const struct dlk_finding *trouble = dlk_engine_trouble(engine[0]);
	if (trouble->reason != DLK_R_UNDECIDED)
		dlk_say(DLK_ERROR, "%s: every request is refused until then", trouble->detail);
	int r = dlk_serve_new(agent->base, engine, n, &agent->house.serve);
	if (r < 0) {
		dlk_errand_close(errand);
		return broken("threads", r);
	}
	r = dlk_courier_new(errand, agent->keeper, &agent->house.courier);
	if (r == 0)
		r = dlk_fetch_new(agent->config, agent->owner, agent->keeper,
		    agent->house.courier, &agent->house.fetch);
	if (r == 0)
		r = dlk_mirror_new(
		    agent->config, agent->owner, agent->keeper, &agent->house.mirror);
	const struct dlk_reload_plan plan = { agent->config, agent->owner, agent->house.serve,
		agent->house.courier, agent->house.fetch, agent->house.mirror, agent->gate };
	/* until then nobody asks the threads anything, and nobody changes their engines */
	if (r == 0)
		r = dlk_reload_new(&plan, engine[0], &agent->house.reload);
	return r < 0 ? broken("threads", r) : 0;
}

static void
hang_up(evutil_socket_t signal, short what, void *arg)
{
	const struct agent *agent = arg;

	(void)signal;
	(void)what;
	dlk_reload_now(agent->house.reload);
}

static void
feed_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	dlk_notify("WATCHDOG=1");
}

static void
record_repeats(const struct dlk_repeat *repeat, void *arg)
{
	const struct agent *agent = arg;

	dlk_courier_repeated(agent->house.courier, repeat);
}

static void
sweep(evutil_socket_t fd, short what, void *arg)
{
	const struct agent *agent = arg;

	(void)fd;
	(void)what;
	dlk_memo_sweep(
	    agent->house.memo, dlk_reload_generation(agent->house.reload), dlk_clock_now());
}

static void
end_when_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;

	(void)fd;
	(void)what;
	size_t open = dlk_http_open(agent->http) + dlk_serve_open_jobs(agent->house.serve);
	if (open == 0 || ++agent->ticks > ENDING_S * 20)
		(void)event_base_loopbreak(agent->base);
}

static void
terminate(evutil_socket_t signal, short what, void *arg)
{
	struct agent *agent = arg;

	(void)signal;
	(void)what;
	dlk_notify("STOPPING=1");
	dlk_http_stop_listening(agent->http);
	dlk_modules_stop_listening(agent->modules);
	dlk_modules_stop_listening(agent->gateways);
	dlk_talks_stop_listening(agent->spop);
	dlk_talks_stop_listening(agent->fastcgi);
	(void)event_add(agent->ending, &(struct timeval){ .tv_usec = 50000 });
}

/* Lists would grow stale and events wait for ever: whoever manages services starts anew. */
static void
lose_keeper(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;

	dlk_say(DLK_ERROR, "the process that starts %s has ended, and so does the agent",
	    agent->outward);
	agent->failed = true;
	terminate(fd, what, agent);
}

static int
watch_keeper(struct agent *agent)
{
	agent->alone =
	    event_new(agent->base, dlk_keeper_fd(agent->keeper), EV_READ, lose_keeper, agent);
	return agent->alone && event_add(agent->alone, NULL) == 0 ? 0
								  : broken("keeper", -ENOMEM);
}

static int
watch_signals(struct agent *agent)
{
	int64_t watched = dlk_notify_watchdog();

	agent->hup = evsignal_new(agent->base, SIGHUP, hang_up, agent);
	agent->term = evsignal_new(agent->base, SIGTERM, terminate, agent);
	agent->interrupt = evsignal_new(agent->base, SIGINT, terminate, agent);
	agent->ending = event_new(agent->base, -1, EV_PERSIST, end_when_quiet, agent);
	agent->watchdog = event_new(agent->base, -1, EV_PERSIST, feed_watchdog, agent);
	if (!agent->hup || !agent->term || !agent->interrupt || !agent->ending ||
	    !agent->watchdog || event_add(agent->hup, NULL) < 0 ||
	    event_add(agent->term, NULL) < 0 || event_add(agent->interrupt, NULL) < 0)
		return broken("signals", -ENOMEM);
	if (watched > 1 &&
	    event_add(agent->watchdog, &(struct timeval){ .tv_sec = watched / 2 }) < 0)
		return broken("watchdog", -ENOMEM);
	return 0;
}

/* What the memo answers is counted; the courier writes the counts. */
static int
watch_memo(struct agent *agent)
{
	dlk_memo_tell(agent->house.memo, record_repeats, agent);
	agent->sweeping = event_new(agent->base, -1, EV_PERSIST, sweep, agent);
	if (!agent->sweeping ||
	    event_add(agent->sweeping, &(struct timeval){ .tv_sec = DLK_MEMO_SWEEP }) < 0)
		return broken("memo", -ENOMEM);
	return 0;
}

/* What speaks no HTTP stops and begins to write with each answer: with a list of changes most
 * of that never reaches the kernel. No descriptor is there twice, which that would not bear.
 * One that was closed is taken out late, when its number may be another thread's file: that
 * fails, and libevent expects it to; ThreadSanitizer does not. */
#ifdef __SANITIZE_THREAD__
#define LOOP_FLAGS 0
#else
#define LOOP_FLAGS EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST
#endif
static struct event_base *
new_loop(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, LOOP_FLAGS) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int
open_doors(struct agent *agent, const struct dlk_route *route, size_t n_routes)
{
	struct dlk_listeners web, remote, frames, records;
	int r = dlk_modules_new(
	    agent->base, &agent->house, DLK_ENTRANCE_PAM, &agent->listeners, &agent->modules);

	if (r == 0)
		r = dlk_modules_new(agent->base, &agent->house, DLK_ENTRANCE_GATEWAY,
		    &agent->listeners, &agent->gateways);
	dlk_listeners_take(&agent->listeners, DLK_SPEECH_HTTP, &web);
	dlk_listeners_take(&agent->listeners, DLK_SPEECH_TLS, &remote);
	dlk_listeners_take(&agent->listeners, DLK_SPEECH_SPOP, &frames);
	dlk_listeners_take(&agent->listeners, DLK_SPEECH_FASTCGI, &records);
	if (r == 0)
		r = dlk_http_new(agent->base, &web, route, n_routes, &agent->http);
	if (r == 0 && agent->gate)
		r = dlk_http_listen_tls(agent->base, agent->http, agent->gate, &remote);
	if (r == 0)
		r = dlk_talks_new(
		    agent->base, &agent->house, &dlk_spop_speaker, &frames, &agent->spop);
	if (r == 0)
		r = dlk_talks_new(
		    agent->base, &agent->house, &dlk_fcgi_speaker, &records, &agent->fastcgi);
	return r;
}

static int
run(struct agent *agent)
{
	const struct dlk_route routes[] = {
		{ "/v1/check", DLK_HTTP_POST, false, true, dlk_check_handle, &agent->house },
		{ DLK_AUTH_PATH, DLK_HTTP_ANY, false, true, dlk_auth_handle, &agent->house },
		{ "/healthz", DLK_HTTP_GET, false, false, dlk_health_handle, &agent->house },
		{ "/metrics", DLK_HTTP_GET, true, false, dlk_status_metrics, &agent->house },
		{ "/v1/status", DLK_HTTP_GET, true, false, dlk_status_handle, &agent->house },
	};

	agent->base = new_loop();
	agent->house.metrics = dlk_metrics_new();
	agent->house.throttle = dlk_throttle_new();
	agent->house.memo = dlk_memo_new();
	agent->house.held = dlk_held_new();
	if (!agent->base || !agent->house.metrics || !agent->house.throttle ||
	    !agent->house.memo || !agent->house.held)
		return broken("event loop", -ENOMEM);
	int code = furnish(agent);
	if (code == 0)
		code = watch_signals(agent);
	if (code == 0)
		code = watch_memo(agent);
	if (code == 0)
		code = watch_keeper(agent);
	if (code != 0)
		return code;
	int r = open_doors(agent, routes, sizeof(routes) / sizeof(routes[0]));
	if (r < 0)
		return broken("listening", r);
	dlk_say(DLK_NOTICE, "%s: in force, %zu threads", agent->config,
	    dlk_serve_threads(agent->house.serve));
	dlk_notify("READY=1");
	(void)event_base_dispatch(agent->base);
	dlk_reload_free(agent->house.reload);
	dlk_gate_free(agent->gate);
	dlk_mirror_free(agent->house.mirror);
	dlk_fetch_free(agent->house.fetch);
	dlk_serve_free(agent->house.serve);
	dlk_memo_free(agent->house.memo); /* and what it has counted is told */
	dlk_courier_free(agent->house.courier);
	dlk_metrics_free(agent->house.metrics);
	dlk_throttle_free(agent->house.throttle);
	dlk_held_free(agent->house.held);
	return agent->failed ? EXIT_FAULT : 0;
}

/* 0, or an exit code and `ret_stop`. */
static int
read_arguments(struct agent *agent, int argc, char **argv, bool *ret_stop)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "user", required_argument, NULL, 'u' },
		{ "outward", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' },
		{ 0 } };
	const char *config = DLK_CONFIG_FILE, *outward = DLK_LIBEXECDIR "/doublelock-outward";

	*ret_stop = true;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'c')
			config = optarg;
		else if (c == 'u')
			agent->user = optarg;
		else if (c == 'o')
			outward = optarg;
		else if (c == 'v')
			return puts("doublelockd " DLK_VERSION) < 0;
		else
			return usage(c == 'h' ? stdout : stderr);
	}
	if (optind != argc)
		return usage(stderr);
	agent->config = realpath(config, NULL);
	if (!agent->config)
		return broken(config, -errno);
	/* without it nothing is fetched and delivered, and who asks is answered all the same
	 */
	agent->outward = realpath(outward, NULL);
	if (!agent->outward)
		agent->outward = strdup(outward);
	if (!agent->outward)
		return broken(outward, -ENOMEM);
	*ret_stop = false;
	return 0;
}

static int
start(struct agent *agent)
{
	dlk_notify_open();
	int code = dlk_sandbox_reset();
	if (code == 0)
		code = dlk_sandbox_allow_files(DLK_CONNS_FILES);
	if (code < 0)
		return broken("resetting limits", code);
	code = settle_identity(agent);
	if (code == 0)
		code = open_sockets(agent);
	if (code == 0)
		code = give_up_root(agent);
	if (code == 0)
		code = give_up_network(agent);
	if (code != 0)
		return code;
	/* a heap for each core: more are memory that nobody uses */
	(void)mallopt(M_ARENA_MAX, (int)threads());
	json_set_alloc_funcs(malloc, wipe_and_free);
	code = run(agent);
	dlk_keeper_free(agent->keeper);
	return code;
}

int
main(int argc, char **argv)
{
	static struct agent agent = { .user = DLK_USER }; /* ends with the process */
	bool stop;

	dlk_say_to_stderr("doublelockd");
	int code = read_arguments(&agent, argc, argv, &stop);
	if (!stop)
		code = start(&agent);
	free(agent.config);
	free(agent.outward);
	return code;
}
