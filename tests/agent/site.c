/* SPDX-License-Identifier: MIT */
/* site.c - see site.h. */
#include "tests/agent/site.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/frame.h"

#define PATIENCE_MS 20000

static const char *
program(const char *name)
{
	static char paths[4][256];
	static unsigned n;
	const char *build = getenv("B");
	char *path = paths[n++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", build ? build : "build", name);
	return path;
}

static void
path_of(const struct site *site, const char *name, char *out, size_t size)
{
	dlk_text_print(out, size, "%s/%s", site->dir, name);
}

void
site_write(struct site *site, const char *name, const char *content)
{
	char path[128], fresh[136];

	path_of(site, name, path, sizeof(path));
	snprintf(fresh, sizeof(fresh), "%s.fresh", path);
	FILE *file = fopen(fresh, "we");
	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(fresh, 0644), 0);
	assert_int_equal(rename(fresh, path), 0);
}

void
site_write_secret(struct site *site, const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	if (geteuid() == 0) {
		assert_int_equal(fchown(fd, 0, site->gid), 0);
		assert_int_equal(fchmod(fd, 0640), 0);
	}
	close(fd);
}

static void
make_directory(struct site *site, const char *name, bool ours)
{
	char path[128];

	path_of(site, name, path, sizeof(path));
	assert_int_equal(mkdir(path, ours ? 0700 : 0755), 0);
	assert_int_equal(chmod(path, ours ? 0700 : 0755), 0);
	if (ours && geteuid() == 0)
		assert_int_equal(chown(path, site->uid, site->gid), 0);
}

void
site_make_directory(struct site *site, const char *name)
{
	make_directory(site, name, false);
}

static void
make_record(struct site *site)
{
	struct dlk_finding trouble = { 0 };
	DLK_AUTO_BUF line = { 0 };

	assert_int_equal(dlk_seal_generate("k1", &line), 0);
	assert_int_equal(dlk_buf_add(&line, 4096, DLK_BYTES("", 1)), 0);
	site_write_secret(site, site->keys, (const char *)line.p);
	assert_int_equal(dlk_seal_load(site->keys, NULL, &site->seal), 0);
	if (dlk_record_create(site->store, site->seal, &site->record, &trouble) != 0)
		fail_msg("%s", trouble.detail);
	/* SQLite gives what it makes beside the file to the file's owner */
	dlk_record_close(site->record);
	if (geteuid() == 0)
		assert_int_equal(chown(site->store, site->uid, site->gid), 0);
	assert_int_equal(dlk_record_open(site->store, site->seal, &site->record, &trouble), 0);
}

void
site_init(struct site *site)
{
	*site = (struct site){ .dir = "/tmp/doublelock-test-XXXXXX",
		.uid = geteuid(),
		.gid = getegid(),
		.notify = -1 };
	if (geteuid() == 0) {
		const struct passwd *nobody = getpwnam("nobody");
		assert_non_null(nobody);
		site->uid = nobody->pw_uid;
		site->gid = nobody->pw_gid;
	}
	assert_non_null(mkdtemp(site->dir));
	assert_int_equal(chmod(site->dir, 0755), 0);
	make_directory(site, "run", false);
	make_directory(site, "state", true);
	make_directory(site, "trust.d", false);
	make_directory(site, "crl.d", false);
	path_of(site, "doublelock.conf", site->config, sizeof(site->config));
	path_of(site, "run/agent.sock", site->socket, sizeof(site->socket));
	path_of(site, "events", site->out, sizeof(site->out));
	path_of(site, "webhook.secret", site->secret, sizeof(site->secret));
	path_of(site, "state/state.db", site->store, sizeof(site->store));
	path_of(site, "seal.key", site->keys, sizeof(site->keys));
	site_write_secret(site, site->secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
	make_record(site);
	site_pki_init(site);
	site_configure(site, "");
}

void
site_configure(struct site *site, const char *more)
{
	char text[4096], hook[256] = "";
	unsigned self = (unsigned)geteuid();

	if (site->port > 0)
		snprintf(hook, sizeof(hook),
		    "[webhook]\nurl = http://127.0.0.1:%d/\nsecret-file = %s\n", site->port,
		    site->secret);
	int n = snprintf(text, sizeof(text),
	    "[identity]\nrule = san-email:%%u@" SITE_DOMAIN "\n"
	    "[lockout]\nsystem-users = " SITE_USER ", " SITE_OTHER "\nfailures = 4\n"
	    "[service web]\ncertificate = gateway\notp = none\nvouch = %u\n"
	    "[service code]\ncertificate = gateway\notp = required\nremember = 1h\nvouch = "
	    "%u\n"
	    "[service closed]\ncertificate = gateway\notp = none\n"
	    "[agent]\nlisten = unix:%s\n%s"
	    "[state]\nstore = sqlite:%s\nseal-key = %s\n%s%s",
	    self, self, site->socket,
	    /* certificates of tests end tomorrow */
	    strstr(more, "warn = ") ? "" : "warn = 0s\n", site->store, site->keys, hook, more);
	assert_true(n > 0 && (size_t)n < sizeof(text));
	site_write(site, "doublelock.conf", text);
}

/* --- processes ------------------------------------------------------------------------- */

static int
manager(struct site *site, char *path, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	path_of(site, "notify", path, size);
	(void)unlink(path);
	assert_true(dlk_text_copy(address.sun_path, sizeof(address.sun_path), path));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(path, 0777), 0);
	return fd;
}

static pid_t
spawn(const char *const *argv, const char *notify, int out, int err)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (notify)
		(void)setenv("NOTIFY_SOCKET", notify, 1);
	if ((out >= 0 && dup2(out, 1) < 0) || (err >= 0 && dup2(err, 2) < 0))
		_exit(127);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static pid_t
spawn_agent(struct site *site, const char *notify, int err)
{
	const struct passwd *who = getpwuid(site->uid);
	assert_non_null(who);
	const char *const argv[] = { program("doublelockd"), "--config", site->config,
		"--user", who->pw_name, "--outward", program("doublelock-outward"), NULL };

	return spawn(argv, notify, -1, err);
}

static int
log_of(struct site *site, const char *name)
{
	char path[128];

	path_of(site, name, path, sizeof(path));
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	return fd;
}

void
site_start(struct site *site)
{
	char path[128], word[256];

	if (site->notify >= 0)
		close(site->notify);
	site->notify = manager(site, path, sizeof(path));
	int err = log_of(site, "agent.log");
	site->agent = spawn_agent(site, path, err);
	close(err);
	for (;;) {
		struct pollfd ready = { .fd = site->notify, .events = POLLIN };
		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		ssize_t n = recv(site->notify, word, sizeof(word) - 1, 0);
		assert_true(n > 0);
		word[n] = '\0';
		if (strcmp(word, "READY=1") == 0)
			return;
	}
}

void
site_kill(struct site *site, int signal)
{
	int status;

	assert_int_equal(kill(site->agent, signal), 0);
	assert_int_equal(waitpid(site->agent, &status, 0), site->agent);
	site->agent = 0;
	if (signal == SIGTERM) {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int
site_fails(struct site *site, char *words, size_t size)
{
	int pipes[2], status;
	size_t have = 0;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid_t pid = spawn_agent(site, NULL, pipes[1]);
	close(pipes[1]);
	for (ssize_t n = 1; n > 0 && have + 1 < size; have += n > 0 ? (size_t)n : 0)
		n = read(pipes[0], words + have, size - 1 - have);
	words[have] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
site_receive(struct site *site, const char *const *how)
{
	char port[16], line[64] = "";
	const char *argv[16] = { program("tests/receiver"), "--secret", site->secret, "--out",
		site->out, "--port", port };
	size_t n = 7;
	int pipes[2];

	for (; how && *how; how++)
		argv[n++] = *how;
	snprintf(port, sizeof(port), "%d", site->port);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	int err = log_of(site, "receiver.log");
	site->receiver = spawn(argv, NULL, pipes[1], err);
	close(err);
	close(pipes[1]);
	assert_true(read(pipes[0], line, sizeof(line) - 1) > 0);
	close(pipes[0]);
	assert_int_equal(sscanf(line, "listening on %d", &site->port), 1);
}

void
site_stop_receiver(struct site *site)
{
	if (site->receiver > 0) {
		(void)kill(site->receiver, SIGKILL);
		(void)waitpid(site->receiver, NULL, 0);
	}
	site->receiver = 0;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void
site_fini(struct site *site)
{
	if (site->agent > 0) {
		(void)kill(site->agent, SIGKILL);
		(void)waitpid(site->agent, NULL, 0);
	}
	site_stop_receiver(site);
	if (site->notify >= 0)
		close(site->notify);
	dlk_record_close(site->record);
	dlk_seal_free(site->seal);
	X509_free(site->ca);
	X509_CRL_free(site->crl);
	EVP_PKEY_free(site->ca_key);
	(void)nftw(site->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- asking ---------------------------------------------------------------------------- */

int
site_connect(const char *path, uid_t peer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool other = geteuid() == 0 && peer != 0;

	assert_true(dlk_text_copy(address.sun_path, sizeof(address.sun_path), path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	/* the kernel notes who connects */
	if (other)
		assert_int_equal(seteuid(peer), 0);
	int r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (other)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, 0);
	return fd;
}

static void
read_answer(struct dlk_buf *text, struct site_answer *answer)
{
	assert_int_equal(dlk_buf_add(text, 1 << 20, DLK_BYTES("", 1)), 0);
	char *all = (char *)text->p, *body = strstr(all, "\r\n\r\n");

	memset(answer, 0, sizeof(*answer));
	(void)sscanf(all, "HTTP/1.%*d %d", &answer->status);
	if (!body)
		return;
	body[2] = '\0';
	dlk_text_print(answer->head, sizeof(answer->head), "%s", all);
	answer->text = strdup(body + 4);
	assert_non_null(answer->text);
	answer->body = json_loads(answer->text, 0, NULL);
}

void
site_send(
    struct site *site, uid_t peer, struct dlk_bytes request, struct site_answer *ret_answer)
{
	int fd = site_connect(site->socket, peer);
	DLK_AUTO_BUF answer = { 0 };
	uint8_t part[4096];

	/* an agent that has read enough may close before it has read all */
	for (size_t at = 0; at < request.n;) {
		ssize_t n = send(fd, request.p + at, request.n - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		ssize_t n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			break;
		assert_int_equal(dlk_buf_add(&answer, 1 << 20, DLK_BYTES(part, (size_t)n)), 0);
	}
	close(fd);
	read_answer(&answer, ret_answer);
}

void
site_ask(
    struct site *site, uid_t peer, const char *line, json_t *body, struct site_answer *answer)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : strdup("");
	DLK_AUTO_BUF request = { 0 };
	char head[512];

	assert_non_null(text);
	snprintf(head, sizeof(head),
	    "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", line,
	    strlen(text));
	assert_int_equal(dlk_buf_add(&request, 1 << 20, dlk_bytes_str(head)), 0);
	assert_int_equal(dlk_buf_add(&request, 1 << 20, dlk_bytes_str(text)), 0);
	free(text);
	json_decref(body);
	site_send(site, peer, dlk_bytes_of(&request), answer);
}

static void
set(json_t *object, const char *key, const char *value)
{
	if (value)
		assert_int_equal(json_object_set_new(object, key, json_string(value)), 0);
}

int
site_check(struct site *site, const char *service, const char *certificate, const char *user,
    const char *code, char *ret_reason)
{
	json_t *body = json_object();
	struct site_answer answer;

	set(body, "service", service);
	set(body, "certificate", certificate);
	set(body, "user", user);
	set(body, "code", code);
	site_ask(site, geteuid(), "POST /v1/check", body, &answer);
	assert_non_null(answer.body);
	snprintf(ret_reason, SITE_REASON_MAX, "%s", site_text(&answer, "reason"));
	int status = answer.status;
	/* the two never disagree */
	assert_int_equal(status == 200, json_is_true(json_object_get(answer.body, "allow")) &&
					    strcmp(ret_reason, "ok") == 0);
	site_answer_fini(&answer);
	return status;
}

const char *
site_text(const struct site_answer *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(answer->body, key));

	return text ? text : "";
}

void
site_answer_fini(struct site_answer *answer)
{
	json_decref(answer->body);
	answer->body = NULL;
	free(answer->text);
	answer->text = NULL;
}

void
site_until(bool (*holds)(struct site *site, void *arg), struct site *site, void *arg)
{
	int64_t deadline = dlk_monotonic_ms() + PATIENCE_MS;

	while (!holds(site, arg)) {
		if (dlk_monotonic_ms() > deadline)
			fail_msg("it did not come to pass");
		(void)poll(NULL, 0, 5);
	}
}

json_t *
site_received(struct site *site)
{
	json_t *all = json_array();
	FILE *file = fopen(site->out, "re");
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		json_t *event = json_loads(line, 0, NULL);
		if (event) /* else it is being written just now */
			json_array_append_new(all, event);
	}
	free(line);
	if (file)
		(void)fclose(file);
	return all;
}
