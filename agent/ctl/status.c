/* SPDX-License-Identifier: MIT */
/*
 * status.c - is everything in place for a login? Each line is one thing that a login needs,
 * with its file; the first one that is not in place makes it a fault.
 */
#include "ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/directory.h"
#include "store/events.h"
#include "store/tokens.h"

#define ANSWER_MS 2000

struct status {
	const char *config;
	bool json;
	struct dlk_engine *engine;
	json_t *list;
	int end;
};

static void
status_fini(struct status *s)
{
	json_decref(s->list);
	dlk_engine_close(s->engine);
}

/* One line. `good` false: a fault, and the process ends as one. */
static void say(struct status *s, bool good, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
say(struct status *s, bool good, const char *what, const char *format, ...)
{
	char words[1024];
	va_list args;

	va_start(args, format);
	if (vsnprintf(words, sizeof(words), format, args) < 0)
		words[0] = '\0';
	va_end(args);
	if (!good)
		s->end = CTL_FAULT;
	if (s->json)
		json_array_append_new(s->list,
		    json_pack("{s:s,s:b,s:s}", "what", what, "good", good, "detail", words));
	else
		printf("%-6s %-12s %s\n", good ? "ok" : "FAULT", what, words);
}

static size_t
count_intermediates(const struct dlk_trust *trust)
{
	size_t n = 0;

	while (dlk_trust_intermediate_at(trust, n))
		n++;
	return n;
}

static void
tell_trust(struct status *s)
{
	const struct dlk_settings *settings = dlk_engine_settings(s->engine);
	const struct dlk_policy *policy = &settings->policy;
	const struct dlk_trust *trust = dlk_engine_trust(s->engine);
	size_t lists = dlk_crls_count(dlk_engine_crls(s->engine));
	bool required = policy->revocation.mode == DLK_REVOCATION_REQUIRE;
	char relaxed[128];

	say(s, true, "config", "%s, %zu services", settings->file, policy->n_services);
	say(s, dlk_trust_anchors(trust) > 0, "trust", "%zu anchors, %zu intermediates",
	    dlk_trust_anchors(trust), count_intermediates(trust));
	say(s, lists > 0 || !required, "crls", "%zu lists%s", lists,
	    lists > 0  ? ""
	    : required ? ": revocation=require refuses everybody; put the CRLs into crl.d"
		       : "");
	dlk_policy_relaxed(policy, NULL, relaxed, sizeof(relaxed));
	if (relaxed[0])
		say(s, true, "relaxed", "%s", relaxed);
}

struct sealed {
	const struct dlk_seal *seal;
	size_t n, lost;
	char under[DLK_SEAL_ID_MAX + 1]; /* a key that is not here */
};

static int
count_sealed(const struct dlk_token_row *row, void *arg)
{
	struct sealed *sealed = arg;

	sealed->n++;
	if (dlk_seal_has(sealed->seal, row->seal))
		return 0;
	sealed->lost++;
	(void)dlk_text_copy(sealed->under, sizeof(sealed->under), row->seal);
	return 0;
}

static void
tell_seal(struct status *s, struct dlk_record *record, const struct dlk_seal *seal)
{
	const char *path = dlk_engine_settings(s->engine)->seal_key;
	struct sealed sealed = { .seal = seal };

	if (dlk_tokens_each(record, NULL, count_sealed, &sealed) < 0)
		say(s, false, "tokens", "%s", dlk_record_trouble(record));
	else if (sealed.lost > 0)
		say(s, false, "seal",
		    "%s: %zu of %zu tokens are sealed under '%s', which is not in it; put "
		    "that "
		    "key back",
		    path, sealed.lost, sealed.n, sealed.under);
	else
		say(s, true, "seal", "%s, current key '%s', %zu tokens", path,
		    dlk_seal_current(seal), sealed.n);
}

static void
tell_ldap(struct status *s)
{
	const struct dlk_settings *settings = dlk_engine_settings(s->engine);
	struct dlk_directory_state state;
	char read[DLK_TIME_TEXT] = "never";

	if (!settings->ldap.url)
		return;
	int r = dlk_directory_state_load(settings->ldap.cache, &state);
	if (r < 0) {
		say(s, false, "ldap", "%s: not read yet: %s; doublelockd reads it",
		    settings->ldap.url, dlk_file_error(r));
		return;
	}
	if (state.read > 0)
		dlk_time_text(state.read, read);
	say(s, state.read > 0, "ldap", "%s: %lld certificates of %lld users, read %s%s%s",
	    settings->ldap.url, (long long)state.certificates, (long long)state.users, read,
	    state.error[0] ? "; the last try failed: " : "", state.error);
}

static void
tell_record(struct status *s)
{
	const struct dlk_settings *settings = dlk_engine_settings(s->engine);
	struct dlk_record *record = dlk_engine_record(s->engine);
	size_t waiting = 0;

	if (!record) {
		say(s, false, "record", "%s", dlk_engine_trouble(s->engine)->detail);
		return;
	}
	tell_seal(s, record, dlk_engine_seal(s->engine));
	int r = dlk_record_probe(record);
	say(s, r == 0, "record", "%s", r == 0 ? settings->store : dlk_record_trouble(record));
	r = dlk_outbox_count(record, &waiting);
	if (r == 0)
		say(s, true, "outbox", "%zu events wait for %s", waiting,
		    settings->webhook.url ? settings->webhook.url
					  : "a webhook; none is configured");
	else
		say(s, false, "outbox", "%s", dlk_record_trouble(record));
}

static int
connect_to(const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	DLK_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!dlk_text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* The first line of the answer to a request for /healthz, within the time. */
static int
ask_health(int fd, char *answer, size_t size)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return -errno;
	if (poll(&ready, 1, ANSWER_MS) != 1)
		return -ETIMEDOUT;
	ssize_t n = recv(fd, answer, size - 1, 0);
	if (n <= 0)
		return -EPIPE;
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	return 0;
}

/* PAM modules and gateways ask there, and it speaks no HTTP. */
static bool
speaks_frames(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && (strcmp(slash + 1, "module.sock") == 0 ||
			    strcmp(slash + 1, "gateway.sock") == 0);
}

/* An agent that does not run is no fault for a login on this machine; one that says no is. */
static void
tell_agent(struct status *s, const char *listen)
{
	char answer[256] = "", shown[512];
	const char *path = strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;
	DLK_AUTO_FD fd = -1;

	if (!path)
		return;
	int r = connect_to(path, &fd);
	if (r == -ENOENT || r == -ECONNREFUSED) {
		say(s, true, "agent", "%s: not running", path);
		return;
	}
	if (r == 0 && speaks_frames(path)) {
		say(s, true, "agent", "%s: open", path);
		return;
	}
	if (r == 0)
		r = ask_health(fd, answer, sizeof(answer));
	if (r < 0) {
		say(s, false, "agent", "%s: %s", path, dlk_file_error(r));
		return;
	}
	dlk_text_escape(shown, sizeof(shown), dlk_bytes_str(answer));
	bool good = strncmp(answer, "HTTP/1.", 7) == 0 && strstr(answer, " 200");
	say(s, good, "agent", "%s: %s", path, good ? "healthy" : shown);
}

static void
tell_agents(struct status *s)
{
	const struct dlk_strings *listen = &dlk_engine_settings(s->engine)->listen;

	for (size_t i = 0; i < listen->n; i++)
		tell_agent(s, listen->text[i]);
	if (listen->n == 0)
		tell_agent(s, "unix:" DLK_RUNDIR "/agent.sock");
}

static int
examine(struct status *s)
{
	struct dlk_finding finding = { 0 };

	if (!s->list || ctl_become() != CTL_YES)
		return CTL_FAULT;
	if (dlk_engine_open(s->config ? s->config : DLK_CONFIG_FILE,
		DLK_ENGINE_TRUST | DLK_ENGINE_RECORD, ctl_owner(), &s->engine, &finding) < 0) {
		say(s, false, "config", "%s", finding.detail);
	} else {
		tell_trust(s);
		tell_ldap(s);
		tell_record(s);
		tell_agents(s);
	}
	if (s->json)
		return ctl_print(
		    json_pack("{s:b,s:O}", "good", s->end == CTL_YES, "parts", s->list),
		    s->end);
	return fflush(stdout) == 0 ? s->end : CTL_FAULT;
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(status_fini))) struct status s = { .list = json_array() };
	const struct ctl_option table[] = {
		{ .name = "config", .text = &s.config },
		{ .name = "json", .flag = &s.json },
	};

	return CTL_OPTIONS(call, table, 0, 0) ? examine(&s) : CTL_USAGE;
}

const struct ctl_subject ctl_status = {
	.name = "status",
	.run = run,
	.synopsis = "[--config FILE] [--json]",
};
