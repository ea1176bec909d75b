/* SPDX-License-Identifier: MIT */
/* doublelock-prove against SSH agents that do as they like. */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/sshwire.h"
#include "base/text.h"
#include "core/sshsig.h"
#include "tests/unit/sshsign.h"
#include "wire/challenge.h"
#include "wire/frame.h"

#define LIMIT (1024 * 1024)

enum { IDENTITIES = 12, SIGNED = 14, FAILURE = 5 };

static char directory[] = "/tmp/doublelock-prove-XXXXXX", path[64];
static EVP_PKEY *wanted, *other;
static char program[4096], hasty[4096];
static const char *user; /* whom the prover becomes, and whose the agent is */
static uid_t uid;
static gid_t gid;

static const struct dlk_bytes data = { (const uint8_t *)"SSHSIG and so on", 16 };

/* What an agent does. Where a list or an answer is given it is sent as it is, behind a length
 * that is right. */
struct agent {
	const char *name;
	int n_junk; /* identities before the wanted one */
	bool lacks_wanted, carries;
	uint32_t claim_more; /* identities that it claims beside those that it has */
	bool trailing, half, silent, drips, wrong_type, endless;
	int sign_type;     /* 0: SIGNED */
	unsigned declines; /* so many requests to sign */
	size_t signature_pad;
	bool sign_trailing, sign_silent, sign_half, sign_empty, signs_wrong;
};

static void
put(struct dlk_buf *buf, struct dlk_bytes what)
{
	if (dlk_ssh_add_string(buf, LIMIT, what) != 0)
		_exit(9);
}

static void
put_carried(struct dlk_buf *list)
{
	DLK_AUTO_BUF blob = { 0 };

	put(&blob, dlk_bytes_str("ssh-ed25519-cert-v01@openssh.com"));
	put(&blob, dlk_bytes_str("x509-chain@doublelock"));
	put(list, dlk_bytes_of(&blob));
	put(list, dlk_bytes_str("carried"));
}

static void
make_list(const struct agent *a, struct dlk_buf *list)
{
	const struct ssh_signer signer = { .key = wanted };
	DLK_AUTO_BUF blob = { 0 };
	uint32_t n = (uint32_t)a->n_junk + !a->lacks_wanted + a->carries + a->claim_more;

	ssh_blob(&signer, &blob);
	dlk_ssh_add_octet(list, LIMIT, a->wrong_type ? SIGNED : IDENTITIES);
	dlk_ssh_add_number(list, LIMIT, n);
	if (a->carries)
		put_carried(list);
	for (int i = 0; i < a->n_junk; i++) {
		put(list,
		    i % 2 ? dlk_bytes_str("\0\0\0\0") : DLK_BYTES("\xff\xff\xff\xffxxxx", 8));
		put(list, dlk_bytes_str("a comment\n%s"));
	}
	if (!a->lacks_wanted) {
		put(list, dlk_bytes_of(&blob));
		put(list, dlk_bytes_str(""));
	}
	if (a->trailing)
		dlk_ssh_add_octet(list, LIMIT, 0);
}

static void
make_signature(const struct agent *a, struct dlk_buf *answer)
{
	const struct ssh_signer signer = { .key = a->signs_wrong ? other : wanted };
	DLK_AUTO_BUF signature = { 0 };
	static uint8_t pad[64 * 1024];

	dlk_ssh_add_octet(answer, LIMIT, (uint8_t)(a->sign_type ? a->sign_type : SIGNED));
	if (!a->sign_empty)
		ssh_sign(&signer, data, &signature);
	dlk_buf_add(&signature, LIMIT, DLK_BYTES(pad, a->signature_pad));
	put(answer, dlk_bytes_of(&signature));
	if (a->sign_trailing)
		dlk_ssh_add_octet(answer, LIMIT, 0);
}

static void
send_all(int fd, struct dlk_bytes what, bool drips)
{
	for (size_t i = 0; i < what.n; i += drips ? 1 : what.n)
		if (send(fd, what.p + i, drips ? 1 : what.n, MSG_NOSIGNAL) < 0)
			_exit(1);
}

static void
say(int fd, const struct agent *a, const struct dlk_buf *message, bool half)
{
	DLK_AUTO_BUF out = { 0 };

	put(&out, dlk_bytes_of(message));
	if (half)
		out.n /= 2;
	send_all(fd, dlk_bytes_of(&out), a->drips);
	if (half)
		_exit(0);
}

/* The type of the next request. */
static int
hear(int fd)
{
	uint8_t length[4], body[64 * 1024];
	size_t n;

	if (recv(fd, length, 4, MSG_WAITALL) != 4 ||
	    (n = dlk_get_be32(length)) > sizeof(body) ||
	    recv(fd, body, n, MSG_WAITALL) != (ssize_t)n)
		_exit(0);
	return body[0];
}

static void
wait_for_end(int fd)
{
	uint8_t octet;

	while (recv(fd, &octet, 1, 0) > 0)
		;
	_exit(0);
}

static void
serve(int fd, const struct agent *a)
{
	DLK_AUTO_BUF list = { 0 };
	unsigned declines = a->declines;

	hear(fd);
	if (a->silent)
		wait_for_end(fd);
	if (a->endless)
		send_all(fd, DLK_BYTES("\x7f\xff\xff\xff", 4), false);
	make_list(a, &list);
	say(fd, a, &list, a->half);
	for (;;) {
		DLK_AUTO_BUF answer = { 0 };

		hear(fd);
		if (a->sign_silent)
			wait_for_end(fd);
		if (declines > 0) {
			declines--;
			dlk_ssh_add_octet(&answer, LIMIT, FAILURE);
		} else {
			make_signature(a, &answer);
		}
		say(fd, a, &answer, a->sign_half && declines == 0);
	}
}

static int
listen_as(uid_t owner)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	/* whom the peer finds there is who listens */
	if (geteuid() == 0 && seteuid(owner) != 0)
		_exit(9);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4) != 0)
		_exit(9);
	if (seteuid(getuid()) != 0)
		_exit(9);
	return fd;
}

static pid_t
start_agent(const struct agent *a, uid_t owner)
{
	int listening = listen_as(owner);
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && setresuid(owner, owner, owner) != 0)
			_exit(9);
		serve(accept(listening, NULL, NULL), a);
	}
	close(listening);
	return pid;
}

static void
send_challenge(int fd)
{
	const struct ssh_signer signer = { .key = wanted };
	DLK_AUTO_CHALLENGE challenge = { .by = DLK_POSSESSION_SSH_AGENT };
	DLK_AUTO_BUF blob = { 0 }, octets = { 0 }, frame = { 0 };

	ssh_blob(&signer, &blob);
	assert_int_equal(dlk_buf_add(&challenge.data, LIMIT, data), 0);
	assert_int_equal(dlk_ssh_add_string(&challenge.wanted, LIMIT, dlk_bytes_of(&blob)), 0);
	assert_int_equal(dlk_challenge_encode(&challenge, &octets), 0);
	assert_int_equal(
	    dlk_prove_pack(DLK_PROVE_CHALLENGE, dlk_bytes_of(&octets), &frame), 0);
	assert_int_equal(
	    dlk_frame_send(fd, dlk_bytes_of(&frame), dlk_monotonic_ms() + 10000), 0);
}

static void
receive_answer(int fd, struct dlk_answer *answer)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes content;
	enum dlk_prove what;

	assert_int_equal(dlk_frame_receive(fd, dlk_monotonic_ms() + 60000, &frame), 0);
	assert_int_equal(dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content), 0);
	assert_int_equal(what, DLK_PROVE_ANSWER);
	assert_int_equal(dlk_answer_decode(content, answer), 0);
}

static void
prove_as(const char *prover, const char *who, struct dlk_answer *answer)
{
	int pair[2], status;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pair[1], 0);
		close(pair[0]);
		close(pair[1]);
		execle(prover, prover, who, NULL, (char *[]){ NULL });
		_exit(127);
	}
	close(pair[1]);
	send_challenge(pair[0]);
	receive_answer(pair[0], answer);
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
prove(const char *prover, const struct agent *a, uid_t owner, struct dlk_answer *answer)
{
	int status;
	pid_t pid = start_agent(a, owner);

	prove_as(prover, user, answer);
	unlink(path);
	kill(pid, SIGKILL); /* one that nobody connected to still waits */
	waitpid(pid, &status, 0);
}

static bool
verifies(const struct dlk_answer *answer)
{
	return dlk_sshsig_verify(wanted, DLK_BYTES(NULL, 0), dlk_bytes_of(&answer->signature),
		   data, NULL) == DLK_R_OK;
}

static void
agents_that_prove(void **state)
{
	static const struct agent agents[] = {
		{ .name = "the key alone" },
		{ .name = "keys that nobody knows before it", .n_junk = 2000 },
		{ .name = "an octet at a time", .drips = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(agents) / sizeof(*agents); i++) {
		DLK_AUTO_ANSWER answer = { 0 };

		prove(program, &agents[i], uid, &answer);
		if (answer.trouble != DLK_TROUBLE_NONE || !verifies(&answer))
			fail_msg("%s: %d", agents[i].name, (int)answer.trouble);
	}
}

static void
agents_that_do_not(void **state)
{
	static const struct {
		struct agent agent;
		enum dlk_trouble trouble;
	} rows[] = {
		{ { .name = "another list", .wrong_type = true }, DLK_TROUBLE_GARBLED },
		{ { .name = "no key", .lacks_wanted = true }, DLK_TROUBLE_NO_KEY },
		{ { .name = "junk alone", .lacks_wanted = true, .n_junk = 9 },
		    DLK_TROUBLE_NO_KEY },
		{ { .name = "one more than there is", .claim_more = 1 }, DLK_TROUBLE_GARBLED },
		{ { .name = "more than anybody has", .claim_more = 3000 },
		    DLK_TROUBLE_GARBLED },
		{ { .name = "2^32 - 1 keys", .claim_more = UINT32_MAX - 1 },
		    DLK_TROUBLE_GARBLED },
		{ { .name = "something behind", .trailing = true }, DLK_TROUBLE_GARBLED },
		{ { .name = "half a list", .half = true }, DLK_TROUBLE_GARBLED },
		{ { .name = "a list of 2 GB", .endless = true }, DLK_TROUBLE_GARBLED },
		{ { .name = "declines", .declines = 1000 }, DLK_TROUBLE_DECLINED },
		{ { .name = "a list for a signature", .sign_type = IDENTITIES },
		    DLK_TROUBLE_GARBLED },
		{ { .name = "a long signature", .signature_pad = 20000 },
		    DLK_TROUBLE_GARBLED },
		{ { .name = "something behind it", .sign_trailing = true },
		    DLK_TROUBLE_GARBLED },
		{ { .name = "half a signature", .sign_half = true }, DLK_TROUBLE_GARBLED },
		{ { .name = "an empty one", .sign_empty = true }, DLK_TROUBLE_GARBLED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		DLK_AUTO_ANSWER answer = { 0 };

		prove(program, &rows[i].agent, uid, &answer);
		if (answer.trouble != rows[i].trouble)
			fail_msg("%s: %d", rows[i].agent.name, (int)answer.trouble);
	}
}

static void
agents_that_keep_one_waiting(void **state)
{
	static const struct agent agents[] = {
		{ .name = "no list", .silent = true },
		{ .name = "no signature", .sign_silent = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(agents) / sizeof(*agents); i++) {
		DLK_AUTO_ANSWER answer = { 0 };

		prove(hasty, &agents[i], uid, &answer);
		if (answer.trouble != DLK_TROUBLE_LATE)
			fail_msg("%s: %d", agents[i].name, (int)answer.trouble);
	}
}

/* The wanted key first; what it declines the carried one may do. */
static void
what_is_declined_does_not_end_it(void **state)
{
	const struct agent a = { .carries = true, .declines = 1 };
	DLK_AUTO_ANSWER answer = { 0 };

	(void)state;
	prove(program, &a, uid, &answer);
	assert_int_equal(answer.trouble, DLK_TROUBLE_NONE);
	assert_non_null(
	    memmem(answer.evidence.p, answer.evidence.n, "x509-chain@doublelock", 21));
}

/* It is passed on, and the judge finds out. */
static void
a_wrong_signature_is_not_the_provers_affair(void **state)
{
	const struct agent a = { .signs_wrong = true };
	DLK_AUTO_ANSWER answer = { 0 };

	(void)state;
	prove(program, &a, uid, &answer);
	assert_int_equal(answer.trouble, DLK_TROUBLE_NONE);
	assert_false(verifies(&answer));
}

static void
somebody_elses_agent_is_not_asked(void **state)
{
	const struct agent a = { .name = "root's" };
	DLK_AUTO_ANSWER answer = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, path);
	pid_t pid = start_agent(&a, 0);
	assert_int_equal(chmod(path, 0666), 0);
	prove_as(program, user, &answer);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	assert_int_equal(answer.trouble, DLK_TROUBLE_FOREIGN);
}

static bool
is_filtered(pid_t pid)
{
	char name[32], line[128];
	bool filtered = false;

	dlk_text_print(name, sizeof(name), "/proc/%ld/status", (long)pid);
	FILE *in = fopen(name, "r");
	while (in && fgets(line, sizeof(line), in))
		filtered |= strcmp(line, "Seccomp:\t2\n") == 0;
	if (in)
		fclose(in);
	return filtered;
}

/* What is left to it then test_confine tries. */
static void
it_is_confined_before_it_hears_anything(void **state)
{
	int pair[2], status;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pair[1], 0);
		execle(program, program, user, NULL, (char *[]){ NULL });
		_exit(127);
	}
	int64_t deadline = dlk_monotonic_ms() + 4000; /* it waits 5 s for the challenge */
	while (!is_filtered(pid) && dlk_monotonic_ms() < deadline)
		(void)poll(NULL, 0, 5);
	assert_true(is_filtered(pid));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGKILL); /* and had not ended by itself */
	close(pair[0]);
	close(pair[1]);
}

static void
nobody_there(void **state)
{
	DLK_AUTO_ANSWER none = { 0 }, file = { 0 }, stranger = { 0 };

	(void)state;
	prove_as(program, user, &none);
	assert_int_equal(none.trouble, DLK_TROUBLE_UNREACHABLE);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fclose(out);
	prove_as(program, user, &file);
	assert_int_equal(file.trouble, DLK_TROUBLE_UNREACHABLE);
	unlink(path);
	prove_as(program, "no.such.user", &stranger);
	assert_int_equal(stranger.trouble, DLK_TROUBLE_NOBODY);
	if (geteuid() == 0) {
		DLK_AUTO_ANSWER root = { 0 };

		prove_as(program, "root", &root);
		assert_int_equal(root.trouble, DLK_TROUBLE_NOBODY);
	}
}

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

	assert_non_null(key);
	return key;
}

static int
set_up(void **state)
{
	const struct passwd *entry = geteuid() == 0 ? getpwnam("nobody") : getpwuid(getuid());

	(void)state;
	assert_non_null(entry);
	user = strdup(entry->pw_name);
	uid = entry->pw_uid;
	gid = entry->pw_gid;
	wanted = new_key();
	other = new_key();
	return chown(directory, uid, gid);
}

static int
tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(wanted);
	EVP_PKEY_free(other);
	return rmdir(directory);
}

/* The prover looks into the environment that this program was started with. */
static void
start_again(char *self)
{
	char variable[128];
	char *argv[] = { self, directory, NULL };

	assert_non_null(mkdtemp(directory));
	dlk_text_print(variable, sizeof(variable), "SSH_AUTH_SOCK=%s/agent", directory);
	char *output = getenv("CMOCKA_MESSAGE_OUTPUT"), kept[64];
	dlk_text_print(kept, sizeof(kept), "CMOCKA_MESSAGE_OUTPUT=%s", output ? output : "");
	char *env[] = { (char[]){ "HOME=/" }, variable, output ? kept : NULL, NULL };
	execve("/proc/self/exe", argv, env);
	perror("execve");
	exit(9);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agents_that_prove),
		cmocka_unit_test(agents_that_do_not),
		cmocka_unit_test(agents_that_keep_one_waiting),
		cmocka_unit_test(what_is_declined_does_not_end_it),
		cmocka_unit_test(a_wrong_signature_is_not_the_provers_affair),
		cmocka_unit_test(somebody_elses_agent_is_not_asked),
		cmocka_unit_test(it_is_confined_before_it_hears_anything),
		cmocka_unit_test(nobody_there),
	};
	char built[4096] = "";

	if (argc < 2)
		start_again(argv[0]);
	dlk_text_copy(directory, sizeof(directory), argv[1]);
	dlk_text_print(path, sizeof(path), "%s/agent", directory);
	if (readlink("/proc/self/exe", built, sizeof(built) - 1) < 0)
		return 9;
	*strrchr(built, '/') = '\0';
	dlk_text_print(hasty, sizeof(hasty), "%s/prove-hasty", built);
	*strrchr(built, '/') = '\0';
	dlk_text_print(program, sizeof(program), "%s/doublelock-prove", built);
	return cmocka_run_group_tests_name("prove", tests, set_up, tear_down);
}
