/* SPDX-License-Identifier: MIT */
/* The agent's parts that are functions of their arguments alone. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
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
#include <jansson.h>

#include "agent/backoff.h"
#include "agent/check.h"
#include "agent/cloudevent.h"
#include "agent/throttle.h"
#include "agent/listen.h"
#include "agent/memo.h"
#include "agent/outward/reach.h"
#include "agent/signature.h"
#include "agent/spelling.h"
#include "agent/refresh.h"
#include "agent/watch.h"
#include "base/text.h"

/* The example of the Standard Webhooks' own libraries. */
static void
a_signature_is_as_the_standard_says(void **state)
{
	struct dlk_signature_keys keys;
	char text[DLK_SIGNATURE_TEXT];

	(void)state;
	assert_int_equal(
	    dlk_signature_parse(
		dlk_bytes_str("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), &keys, NULL),
	    0);
	assert_int_equal(dlk_signature_make(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
			     dlk_bytes_str("{\"test\": 2432232314}"), text),
	    0);
	assert_string_equal(text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	dlk_signature_wipe(&keys);
}

static void
each_key_signs_while_one_follows_another(void **state)
{
	struct dlk_signature_keys keys;
	char text[DLK_SIGNATURE_TEXT];

	(void)state;
	assert_int_equal(
	    dlk_signature_parse(dlk_bytes_str("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\r\n\n"
					      "not base64 but long enough"),
		&keys, NULL),
	    0);
	assert_int_equal(keys.n, 2);
	assert_int_equal(dlk_signature_make(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
			     dlk_bytes_str("{\"test\": 2432232314}"), text),
	    0);
	assert_int_equal(
	    strncmp(text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,", 51), 0);
	assert_int_equal(strlen(text), 2 * 47 + 1);
}

static void
secrets_are_read_strictly(void **state)
{
	static const char five_lines[] =
	    "0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n"
	    "0123456789abcdef\n0123456789abcdef";
	static const char *const bad[] = { "", "\n", "short", "whsec_", "whsec_AAAA",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nshort", five_lines };
	struct dlk_signature_keys keys;
	struct dlk_finding finding;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		finding.reason = DLK_R_UNDECIDED;
		if (dlk_signature_parse(dlk_bytes_str(bad[i]), &keys, &finding) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(finding.reason, DLK_R_FAULT_CONFIG);
		assert_int_equal(keys.n, 0);
	}
}

static void
waiting_doubles_and_differs(void **state)
{
	static const struct {
		unsigned failures;
		int64_t most;
	} rows[] = { { 0, 2 }, { 1, 2 }, { 2, 4 }, { 3, 8 }, { 9, 512 }, { 10, 900 },
		{ 4000000000U, 900 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t least = rows[i].most;
		for (uint32_t random = 0; random < 1000; random++) {
			int64_t s = dlk_backoff_seconds(rows[i].failures, random);
			assert_in_range(s, rows[i].most / 2, rows[i].most);
			least = s < least ? s : least;
		}
		assert_int_equal(least, rows[i].most - rows[i].most / 2);
	}
}

#define PEM_OF(base64) "-----BEGIN CERTIFICATE-----\n" base64 "\n-----END CERTIFICATE-----\n"

static void
every_spelling_is_one_certificate(void **state)
{
	static const char *const good[] = { "AQIDBA==", " AQID\r\nBA== ", PEM_OF("AQIDBA=="),
		"-----BEGIN CERTIFICATE----- AQID BA== -----END CERTIFICATE----- ",
		"-----BEGIN CERTIFICATE-----\tAQIDBA==\t-----END CERTIFICATE-----",
		PEM_OF("AQI=") PEM_OF("AwQ=") };
	static const char *const bad[] = { "", " ", "A", "AQIDBA=", "AQID%3D",
		"AQID-_==", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nAQID",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
		"-----BEGIN TRUSTED CERTIFICATE-----\nAQID\n-----END TRUSTED CERTIFICATE-----",
		PEM_OF("AQID") "AQID" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		DLK_AUTO_BUF der = { 0 };
		assert_int_equal(dlk_spelling_decode(dlk_bytes_str(good[i]), 64, &der), 0);
		assert_true(
		    dlk_bytes_equal(dlk_bytes_of(&der), DLK_BYTES("\x01\x02\x03\x04", 4)));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		DLK_AUTO_BUF der = { 0 };
		if (dlk_spelling_decode(dlk_bytes_str(bad[i]), 64, &der) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
	}
	DLK_AUTO_BUF der = { 0 };
	assert_int_equal(dlk_spelling_decode(dlk_bytes_str("AQIDBA=="), 3, &der), -EMSGSIZE);
}

static void
a_plus_stays_a_plus(void **state)
{
	DLK_AUTO_BUF text = { 0 };

	(void)state;
	assert_int_equal(dlk_spelling_unescape(dlk_bytes_str("a+b%2B%20c%3d"), 64, &text), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&text), dlk_bytes_str("a+b+ c=")));
	assert_int_equal(dlk_spelling_unescape(dlk_bytes_str("%"), 64, &text), -EINVAL);
	assert_int_equal(dlk_spelling_unescape(dlk_bytes_str("%2"), 64, &text), -EINVAL);
	assert_int_equal(dlk_spelling_unescape(dlk_bytes_str("%zz"), 64, &text), -EINVAL);
	assert_int_equal(dlk_spelling_unescape(dlk_bytes_str("abc"), 9, &text), -EMSGSIZE);
}

static void
a_question_is_read_whole(void **state)
{
	static const char body[] =
	    "{\"service\":\"web\",\"certificate\":\"AQI=\",\"chain\":[\"AwQ=\",\"BQY=\"],"
	    "\"user\":\"alice\",\"code\":\"123456\",\"source\":\"2001:DB8:0::1\","
	    "\"attempt\":\"000102030405060708090a0b0c0d0e0f\"}";
	DLK_AUTO_REQUEST r = { 0 };
	struct dlk_naming named = { .serial = "" };
	char words[128];

	(void)state;
	assert_int_equal(
	    dlk_check_parse(dlk_bytes_str(body), &r, &named, words, sizeof(words)), 0);
	assert_string_equal(r.service, "web");
	assert_string_equal(r.user, "alice");
	assert_string_equal(r.source, "2001:db8::1");
	assert_int_equal(r.attempt[15], 15);
	assert_int_equal(r.evidence_kind, DLK_EVIDENCE_CERTIFICATE);
	assert_int_equal(r.possession, DLK_POSSESSION_TLS_GATEWAY);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&r.evidence), DLK_BYTES("\x01\x02", 2)));
	assert_true(dlk_bytes_equal(dlk_bytes_of(&r.chain), DLK_BYTES("\x03\x04\x05\x06", 4)));
	assert_true(r.has_code);
	assert_memory_equal(r.code.b, "123456", 6);
}

static void
an_event_is_a_cloudevent(void **state)
{
	struct dlk_delivery d = { .event = { .id = "5e0c8b5e-0000-4000-8000-000000000001",
				      .at = 1700000000,
				      .type = DLK_EVENT_DECISION_REFUSED,
				      .reason = DLK_R_REVOKED,
				      .stage = DLK_STAGE_REVOKED,
				      .user = "alice",
				      .service = "sshd",
				      .serial = "0a" },
		.chain = "abcd" };

	(void)state;
	char *text = dlk_cloudevent_text(&d, "bastion");
	assert_non_null(text);
	json_t *event = json_loads(text, 0, NULL);
	const char *wanted[][2] = { { "specversion", "1.0" },
		{ "id", "5e0c8b5e-0000-4000-8000-000000000001" },
		{ "source", "urn:doublelock:bastion" },
		{ "type", "doublelock.decision.refused" }, { "time", "2023-11-14T22:13:20Z" },
		{ "subject", "alice" }, { "datacontenttype", "application/json" } };
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(
		    json_string_value(json_object_get(event, wanted[i][0])), wanted[i][1]);
	const json_t *data = json_object_get(event, "data");
	assert_string_equal(json_string_value(json_object_get(data, "reason")), "revoked");
	assert_string_equal(json_string_value(json_object_get(data, "stage")), "revoked");
	assert_string_equal(json_string_value(json_object_get(data, "chain")), "abcd");
	assert_null(json_object_get(data, "tty"));
	json_decref(event);
	free(text);
}

static enum dlk_throttled
take(struct dlk_throttle *throttle, const char *key, int64_t now_ms)
{
	return dlk_throttle_take(throttle, "source", dlk_bytes_str(key), 10, now_ms);
}

static void
a_bucket_holds_and_fills(void **state)
{
	struct dlk_throttle *throttle = dlk_throttle_new();
	int64_t now = 1000000;

	(void)state;
	assert_non_null(throttle);
	for (int i = 0; i < 20; i++)
		assert_int_equal(take(throttle, "a", now), DLK_THROTTLE_PASS);
	assert_int_equal(take(throttle, "a", now), DLK_THROTTLE_FIRST);
	assert_int_equal(take(throttle, "a", now), DLK_THROTTLE_HELD);
	assert_true(dlk_throttle_holds(throttle, "source", dlk_bytes_str("a"), 10, now));
	/* others are others */
	assert_int_equal(take(throttle, "b", now), DLK_THROTTLE_PASS);
	assert_int_equal(dlk_throttle_take(throttle, "other", dlk_bytes_str("a"), 10, now),
	    DLK_THROTTLE_PASS);
	/* one more after 100 ms, without a new event of its own */
	assert_int_equal(take(throttle, "a", now + 100), DLK_THROTTLE_PASS);
	assert_int_equal(take(throttle, "a", now + 100), DLK_THROTTLE_HELD);
	/* a clock that goes back gives nothing */
	assert_int_equal(take(throttle, "a", now - 100000), DLK_THROTTLE_HELD);
	/* quiet for a while */
	for (int i = 0; i < 20; i++)
		assert_int_equal(take(throttle, "a", now + 5000), DLK_THROTTLE_PASS);
	assert_int_equal(take(throttle, "a", now + 5000), DLK_THROTTLE_FIRST);
	assert_int_equal(dlk_throttle_take(throttle, "source", dlk_bytes_str("a"), 0, now),
	    DLK_THROTTLE_PASS);
	dlk_throttle_free(throttle);
}

static void
a_flood_of_keys_ends_no_limit_of_the_busy(void **state)
{
	struct dlk_throttle *throttle = dlk_throttle_new();
	char key[32];

	(void)state;
	assert_non_null(throttle);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(take(throttle, key, i / 1000), DLK_THROTTLE_PASS);
		(void)take(throttle, "busy", i / 1000);
	}
	assert_int_equal(take(throttle, "busy", 99), DLK_THROTTLE_HELD);
	dlk_throttle_free(throttle);
}

static void
an_answer_is_kept_for_the_same_question_alone(void **state)
{
	const struct dlk_caller caller = { .uid = 33 }, other = { .uid = 34 };
	const struct dlk_verdict verdict = { .reason = DLK_R_OK,
		.user = "alice",
		.subject = "CN=alice",
		.serial = "0a",
		.fingerprint = "ff",
		.good_until = 2000 };
	struct dlk_request r = { .service = "web", .source = "192.0.2.1" };
	uint8_t key[DLK_MEMO_KEY], key2[DLK_MEMO_KEY], evidence[DLK_MEMO_KEY];
	struct dlk_memo *memo = dlk_memo_new();
	struct dlk_verdict found;

	(void)state;
	assert_non_null(memo);
	assert_int_equal(dlk_memo_digest(memo, dlk_bytes_str("one"), evidence), 0);
	assert_int_equal(dlk_memo_key(memo, &caller, &r, evidence, key), 0);
	assert_int_equal(dlk_memo_digest(memo, dlk_bytes_str("two"), evidence), 0);
	assert_int_equal(dlk_memo_key(memo, &caller, &r, evidence, key2), 0);
	assert_memory_not_equal(key, key2, sizeof(key));
	assert_int_equal(dlk_memo_digest(memo, dlk_bytes_str("one"), evidence), 0);
	assert_int_equal(dlk_memo_key(memo, &other, &r, evidence, key2), 0);
	assert_memory_not_equal(key, key2, sizeof(key));
	assert_false(dlk_memo_find(memo, key, 1, 1000, &found));
	dlk_memo_keep(memo, key, &verdict, 1, 1000, DLK_MEMO_SECONDS);
	assert_true(dlk_memo_find(memo, key, 1, 1000 + DLK_MEMO_SECONDS - 1, &found));
	assert_int_equal(found.reason, DLK_R_OK);
	assert_string_equal(found.user, "alice");
	assert_string_equal(found.fingerprint, "ff");
	assert_false(dlk_memo_find(memo, key2, 1, 1000, &found));
	/* each of these ends it */
	assert_false(dlk_memo_find(memo, key, 2, 1000, &found));
	assert_false(dlk_memo_find(memo, key, 1, 1000, &found));
	dlk_memo_keep(memo, key, &verdict, 1, 1000, DLK_MEMO_SECONDS);
	assert_false(dlk_memo_find(memo, key, 1, 1000 + DLK_MEMO_SECONDS, &found));
	dlk_memo_keep(memo, key, &verdict, 1, 1000, DLK_MEMO_SECONDS);
	assert_false(dlk_memo_find(memo, key, 1, 999, &found));
	dlk_memo_keep(memo, key, &verdict, 1, 1990, DLK_MEMO_SECONDS);
	assert_false(dlk_memo_find(memo, key, 1, 2000, &found));
	dlk_memo_free(memo);
}

/* What the memo has told. */
struct told {
	unsigned times;
	uint64_t n;
	int64_t since;
	char event[DLK_EVENT_ID_TEXT + 1], user[DLK_NAME_MAX + 1];
};

static void
hear(const struct dlk_repeat *repeat, void *arg)
{
	struct told *told = arg;

	told->times++;
	told->n += repeat->n;
	told->since = repeat->since;
	strcpy(told->event, repeat->event);
	strcpy(told->user, repeat->user);
}

static void
answers_that_are_given_again_are_counted(void **state)
{
	struct dlk_verdict found, verdict = {
		.reason = DLK_R_OK, .user = "alice", .event = "first", .good_until = INT64_MAX
	};
	struct dlk_memo *memo = dlk_memo_new();
	uint8_t key[DLK_MEMO_KEY] = { 1 };
	struct told told = { 0 };

	(void)state;
	dlk_memo_tell(memo, hear, &told);
	/* an hour of minutes, each decided anew, is one count after the first event */
	for (int64_t t = 10000; t < 10000 + DLK_MEMO_COUNTED; t += DLK_MEMO_SECONDS) {
		assert_false(dlk_memo_find(memo, key, 1, t, &found));
		dlk_memo_keep(memo, key, &verdict, 1, t, DLK_MEMO_SECONDS);
		strcpy(verdict.event, "later");
		for (int i = 0; i < 10; i++)
			assert_true(dlk_memo_find(memo, key, 1, t + i, &found));
		for (int i = 0; i < 64; i++)
			dlk_memo_sweep(memo, 1, t + 59);
	}
	assert_int_equal(told.times, 0);
	for (int i = 0; i < 64; i++)
		dlk_memo_sweep(memo, 1, 10000 + DLK_MEMO_COUNTED);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.n, 600);
	assert_int_equal(told.since, 10000);
	assert_string_equal(told.event, "first");
	assert_string_equal(told.user, "alice");
	/* another user's is another count; what nobody asked again is none */
	memset(&told, 0, sizeof(told));
	dlk_memo_keep(memo, key, &verdict, 1, 20000, DLK_MEMO_SECONDS);
	assert_true(dlk_memo_find(memo, key, 1, 20000, &found));
	strcpy(verdict.user, "bob");
	dlk_memo_keep(memo, key, &verdict, 1, 20001, DLK_MEMO_SECONDS);
	assert_int_equal(told.times, 1);
	assert_string_equal(told.user, "alice");
	assert_true(dlk_memo_find(memo, key, 1, 20001, &found));
	/* to make room, and at the end: all keys of one set */
	for (uint8_t i = 2; i < 20; i++) {
		key[0] = 0;
		key[31] = i;
		dlk_memo_keep(memo, key, &verdict, 1, 20002 + i, DLK_MEMO_SECONDS);
		assert_true(dlk_memo_find(memo, key, 1, 20002 + i, &found));
	}
	dlk_memo_free(memo);
	assert_int_equal(told.times, 2 + 18);
	assert_int_equal(told.n, 2 + 18);
}

static void
a_socket_is_taken_over_only_from_the_dead(void **state)
{
	char dir[] = "/tmp/doublelock-test-XXXXXX", where[64];
	char *text[] = { where };
	const struct dlk_strings strings = { text, 1 };
	struct dlk_listeners first = { 0 }, second = { 0 };
	struct dlk_finding finding;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(where, sizeof(where), "unix:%s/s", dir);
	assert_int_equal(dlk_listen_open(&strings, &first, &finding), 0);
	assert_int_equal(stat(where + 5, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0666);
	assert_int_equal(dlk_listen_open(&strings, &second, &finding), -EADDRINUSE);
	assert_non_null(strstr(finding.detail, "another agent"));
	close(first.fd[0]);
	assert_int_equal(dlk_listen_open(&strings, &second, &finding), 0);
	close(second.fd[--second.n]);
	assert_int_equal(unlink(where + 5), 0);
	assert_int_equal(mkdir(where + 5, 0700), 0);
	assert_int_equal(dlk_listen_open(&strings, &second, &finding), -ENOTSOCK);
	assert_int_equal(rmdir(where + 5), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* As systemd does it: the kernel knows the socket by its path. */
static int
inherited(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(dlk_text_copy(address.sun_path, sizeof(address.sun_path), path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void
sockets_are_told_apart_by_what_they_speak(void **state)
{
	static const char *const speech[] = { "unix", "spop", "fastcgi" };
	char dir[] = "/tmp/doublelock-test-XXXXXX", where[3][64];
	char *text[] = { where[0], where[1], where[2] };
	const struct dlk_strings strings = { text, 3 };
	struct dlk_listeners all = { 0 }, web, frames, records;
	struct dlk_finding finding;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 3; i++)
		snprintf(where[i], sizeof(where[i]), "%s:%s/%zu", speech[i], dir, i);
	/* what was inherited stands for unix:, and for the path that it has */
	all.fd[all.n] = inherited(strchr(where[1], '/'));
	all.speech[all.n++] = DLK_SPEECH_SPOP;
	assert_int_equal(dlk_listen_open(&strings, &all, &finding), 0);
	assert_int_equal(all.n, 2);
	dlk_listeners_take(&all, DLK_SPEECH_FASTCGI, &records);
	dlk_listeners_take(&all, DLK_SPEECH_SPOP, &frames);
	dlk_listeners_take(&all, DLK_SPEECH_HTTP, &web);
	assert_true(all.n == 0 && web.n == 0 && frames.n == 1 && records.n == 1);
	assert_int_equal(frames.speech[0], DLK_SPEECH_SPOP);
	assert_int_equal(records.speech[0], DLK_SPEECH_FASTCGI);
	/* another one is in the way: what was there before stays */
	assert_int_equal(dlk_listen_open(&strings, &records, &finding), -EADDRINUSE);
	assert_int_equal(records.n, 1);
	close(frames.fd[0]);
	close(records.fd[0]);
	assert_int_equal(dlk_listen_open(&strings, &web, &finding), 0);
	assert_int_equal(web.n, 3);
	for (size_t i = 0; i < 3; i++) {
		close(web.fd[i]);
		assert_int_equal(unlink(strchr(where[i], '/')), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* In a child: the descriptors have to be 3 and 4, and the process the one that is named. */
static int
take_over(const char *dir, const char *names)
{
	struct dlk_listeners all = { 0 };
	struct dlk_finding finding;
	char path[2][64], pid[16];

	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
		int fd = inherited(path[i]);
		if (dup2(fd, 10 + i) < 0)
			return -1;
		close(fd);
	}
	if (dup2(10, 3) < 0 || dup2(11, 4) < 0)
		return -1;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	if (dlk_listen_inherited(&all, &finding) < 0 || all.n != 2)
		return -1;
	for (int i = 0; i < 2; i++)
		(void)unlink(path[i]);
	return (int)all.speech[0] * 16 + (int)all.speech[1];
}

static void
systemd_names_what_is_spoken(void **state)
{
	static const struct {
		const char *names;
		enum dlk_speech first, second;
	} rows[] = {
		{ NULL, DLK_SPEECH_HTTP, DLK_SPEECH_HTTP },
		{ "doublelockd.socket:doublelockd.socket", DLK_SPEECH_HTTP, DLK_SPEECH_HTTP },
		{ "doublelockd.socket:spop", DLK_SPEECH_HTTP, DLK_SPEECH_SPOP },
		{ "fastcgi:spop", DLK_SPEECH_FASTCGI, DLK_SPEECH_SPOP },
		{ "spop", DLK_SPEECH_SPOP, DLK_SPEECH_HTTP },
		{ ":fastcgi", DLK_SPEECH_HTTP, DLK_SPEECH_FASTCGI },
	};
	char dir[] = "/tmp/doublelock-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(take_over(dir, rows[i].names));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(
		    WEXITSTATUS(status), (int)rows[i].first * 16 + (int)rows[i].second);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void
a_list_is_fetched_ahead_of_its_end(void **state)
{
	const int64_t day = 86400;

	(void)state;
	assert_int_equal(dlk_refresh_due_of(1000, 1000 + 4 * day, 0), 1000 + 3 * day);
	for (uint32_t random = 0; random < 10 * 4 * 86400; random += 997) {
		int64_t due = dlk_refresh_due_of(1000, 1000 + 4 * day, random);
		assert_in_range(due, 1000 + 3 * day - day / 4, 1000 + 3 * day);
	}
	assert_int_equal(dlk_refresh_due_of(1000, 1000, UINT32_MAX), 1000);
	assert_int_equal(dlk_refresh_due_of(1000, 900, 7), 1000); /* ends before it begins */
	assert_true(dlk_refresh_due_of(0, INT64_MAX, UINT32_MAX) > 0);
}

static void
failures_make_it_slower(void **state)
{
	(void)state;
	assert_int_equal(dlk_refresh_pause(1), 60);
	assert_int_equal(dlk_refresh_pause(2), 120);
	assert_int_equal(dlk_refresh_pause(6), 1920);
	assert_int_equal(dlk_refresh_pause(7), 3600);
	assert_int_equal(dlk_refresh_pause(UINT_MAX), 3600);
	assert_int_equal(dlk_refresh_ask_after(0), 4 * 3600);
	for (uint32_t random = 0; random < 100000; random += 7)
		assert_in_range(dlk_refresh_ask_after(random), 7 * 1800, 4 * 3600);
}

static void
no_certificate_leads_into_the_house(void **state)
{
	static const struct {
		const char *address;
		bool may;
	} rows[] = {
		{ "192.0.2.1", true },
		{ "10.1.2.3", true },
		{ "126.255.255.255", true },
		{ "127.0.0.1", false },
		{ "127.255.255.255", false },
		{ "0.0.0.0", false },
		{ "0.1.2.3", false },
		{ "169.254.169.254", false },
		{ "169.253.1.1", true },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "2001:db8::1", true },
		{ "fd00::1", true },
		{ "::", false },
		{ "::1", false },
		{ "fe80::1", false },
		{ "febf::1", false },
		{ "ff02::1", false },
		{ "::ffff:127.0.0.1", false },
		{ "::ffff:169.254.1.1", false },
		{ "::ffff:192.0.2.1", true },
		{ "::127.0.0.1", false },
		{ "64:ff9b::7f00:1", false },
		{ "2002:7f00:1::", false },
	};
	const struct sockaddr_un local = { .sun_family = AF_UNIX };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_in in = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		bool is4 = inet_pton(AF_INET, rows[i].address, &in.sin_addr) == 1;
		if (!is4)
			assert_int_equal(
			    inet_pton(AF_INET6, rows[i].address, &in6.sin6_addr), 1);
		bool may = is4 ? dlk_reach_may((struct sockaddr *)&in, sizeof(in))
			       : dlk_reach_may((struct sockaddr *)&in6, sizeof(in6));
		if (may != rows[i].may)
			fail_msg("%s", rows[i].address);
	}
	assert_false(dlk_reach_may((const struct sockaddr *)&local, sizeof(local)));
}

static void
a_url_is_listed_once(void **state)
{
	static const char *const passed_over[] = { "", "http://a b", "http://a/\n" };
	static const char *const refused[] = { "ldap://a/b", "file:///etc/passwd", "ftp://a/b",
		"http://name:word@a/b", "a/b", "//a/b" };
	static struct dlk_crl_urls urls;
	char text[DLK_CRL_URL_MAX + 2];

	(void)state;
	dlk_crl_urls_add(&urls, dlk_bytes_str("http://a/b.crl"), "", true);
	dlk_crl_urls_add(&urls, dlk_bytes_str("http://a/b.crl"), "", false);
	assert_int_equal(urls.n, 1);
	assert_true(urls.url[0].configured && !urls.url[0].refused);
	/* printf %s http://a/b.crl | sha256sum */
	assert_string_equal(urls.url[0].name, "36f55bb9135ec9c098190e9e432bc8b5.crl");
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++)
		dlk_crl_urls_add(&urls, dlk_bytes_str(passed_over[i]), "", false);
	memset(text, 'a', sizeof(text));
	dlk_crl_urls_add(&urls, DLK_BYTES(text, sizeof(text)), "", false);
	dlk_crl_urls_add(&urls, DLK_BYTES("http://a/\0b", 11), "", false);
	assert_int_equal(urls.n, 1);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		dlk_crl_urls_add(&urls, dlk_bytes_str(refused[i]), "", false);
		assert_true(urls.url[urls.n - 1].refused);
	}
	for (int i = 0; i < 2 * DLK_CRL_URLS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "https://a/%d", i);
		dlk_crl_urls_add(&urls, dlk_bytes_str(text), "", false);
	}
	assert_int_equal(urls.n, DLK_CRL_URLS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_as_the_standard_says),
		cmocka_unit_test(each_key_signs_while_one_follows_another),
		cmocka_unit_test(secrets_are_read_strictly),
		cmocka_unit_test(waiting_doubles_and_differs),
		cmocka_unit_test(every_spelling_is_one_certificate),
		cmocka_unit_test(a_plus_stays_a_plus),
		cmocka_unit_test(a_question_is_read_whole),
		cmocka_unit_test(an_event_is_a_cloudevent),
		cmocka_unit_test(a_bucket_holds_and_fills),
		cmocka_unit_test(a_flood_of_keys_ends_no_limit_of_the_busy),
		cmocka_unit_test(an_answer_is_kept_for_the_same_question_alone),
		cmocka_unit_test(answers_that_are_given_again_are_counted),
		cmocka_unit_test(a_socket_is_taken_over_only_from_the_dead),
		cmocka_unit_test(sockets_are_told_apart_by_what_they_speak),
		cmocka_unit_test(systemd_names_what_is_spoken),
		cmocka_unit_test(a_list_is_fetched_ahead_of_its_end),
		cmocka_unit_test(failures_make_it_slower),
		cmocka_unit_test(no_certificate_leads_into_the_house),
		cmocka_unit_test(a_url_is_listed_once),
	};
	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
