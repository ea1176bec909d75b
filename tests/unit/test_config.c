/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/settings.h"

static char dir[64];
static int dir_fd = -1, more_fd = -1;

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/dlk-config-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || mkdirat(dir_fd, "conf.d", 0755) != 0)
		return -1;
	more_fd = openat(dir_fd, "conf.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return more_fd < 0 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlinkat(dir_fd, "doublelock.conf", 0);
	unlinkat(more_fd, "more.conf", 0);
	close(more_fd);
	unlinkat(dir_fd, "conf.d", AT_REMOVEDIR);
	close(dir_fd);
	return rmdir(dir);
}

/* Loads these texts; the words of a refusal come without the directory in front. */
static int
load(const char *text, size_t n, const char *more, struct dlk_settings **ret_settings,
    char *words)
{
	static struct dlk_finding finding;
	char path[128];
	int error;

	assert_int_equal(
	    dlk_file_replace(dir_fd, "doublelock.conf", 0644, DLK_BYTES(text, n)), 0);
	if (more)
		assert_int_equal(
		    dlk_file_replace(more_fd, "more.conf", 0644, dlk_bytes_str(more)), 0);
	snprintf(path, sizeof(path), "%s/doublelock.conf", dir);
	error = dlk_settings_load(path, NULL, ret_settings, &finding);
	words[0] = '\0';
	if (error != 0) {
		assert_int_equal(finding.reason, DLK_R_FAULT_CONFIG);
		assert_memory_equal(finding.detail, dir, strlen(dir));
		strcpy(words, finding.detail + strlen(dir) + 1);
	}
	return error;
}

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "[trsut]\n", "doublelock.conf:1: [trsut]: there is no such section" },
	{ "\n[trust]\nanchor = /x\n", "doublelock.conf:3: anchor: [trust] has no such key" },
	{ "[trust]\nanchors = x\n", "doublelock.conf:2: anchors: a path begins with '/'" },
	{ "[trust]\nanchors =\n", "doublelock.conf:2: anchors: the value is empty" },
	{ "[trust]\nmax-depth = 0\n", "doublelock.conf:2: max-depth: a number from 1 to 15" },
	{ "[trust]\nmax-depth = 8\nmax-depth = 8\n",
	    "doublelock.conf:3: max-depth: already set at " },
	{ "[trust]\nmin-rsa-bits = 1024\n",
	    "doublelock.conf:2: min-rsa-bits: a number from 2048 to 16384" },
	{ "[trust]\npurpose = serverAuth\n", "doublelock.conf:2: purpose: clientAuth, " },
	{ "[certificates]\nldap = http://x\n", "doublelock.conf:2: ldap: ldaps://HOST" },
	{ "[certificates]\nldap = ldaps://\n", "doublelock.conf:2: ldap: ldaps://HOST" },
	{ "[certificates]\nldap = ldap://x/dc=y\n", "doublelock.conf:2: ldap: ldaps://HOST" },
	{ "[certificates]\nldap = ldap://a@x\n", "doublelock.conf:2: ldap: ldaps://HOST" },
	{ "[certificates]\nldap-filter = uid=%u\n",
	    "doublelock.conf:2: ldap-filter: a filter in" },
	{ "[certificates]\nldap-filter = (uid=%u%u)\n",
	    "doublelock.conf:2: ldap-filter: a filter in" },
	{ "[certificates]\nldap-filter = (uid=%s)\n",
	    "doublelock.conf:2: ldap-filter: a filter in" },
	{ "[certificates]\nldap-user = a=b\n", "doublelock.conf:2: ldap-user: the name" },
	{ "[certificates]\nldap-refresh = 0s\n", "doublelock.conf:2: ldap-refresh: from 1s" },
	{ "[certificates]\nldap-base = dc=x\n",
	    "doublelock.conf: [certificates]: ldap-... means nothing" },
	{ "[certificates]\nldap = ldaps://x\nldap-base = dc=x\n",
	    "doublelock.conf: [certificates]: ldap needs ldap-base" },
	{ "[certificates]\nldap = ldaps://x\nldap-base = dc=x\nldap-ca = /x\nldap-bind-dn = "
	  "a\n",
	    "doublelock.conf: [certificates]: ldap-bind-dn and" },
	{ "[trust]\npurpose = secureShellClient\n",
	    "doublelock.conf:2: purpose: clientAuth, " },
	{ "[trust]\npurpose = clientAuth,secureShellClient,any\n",
	    "doublelock.conf:2: purpose: clientAuth, " },
	{ "[trust]\nrule = subject-cn:%u\n", "doublelock.conf: [trust]: rule belongs to" },
	{ "[trust eu]\nrule = subject-cn:%u\n",
	    "doublelock.conf: [trust eu]: anchors is missing" },
	{ "[trust eu]\nmax-depth = 3\n",
	    "doublelock.conf:2: max-depth: [trust eu] has no such key" },
	{ "[revocation]\nmode = maybe\n", "doublelock.conf:2: mode: require, prefer or off" },
	{ "[revocation]\ngrace = 1w\n", "doublelock.conf:2: grace: a duration is" },
	{ "[revocation]\nurl = ldap://x\n", "doublelock.conf:2: url: a URL begins with" },
	{ "[identity]\nrule = san-dns:%u\n",
	    "doublelock.conf:2: rule: a rule is FIELD:PATTERN" },
	{ "[identity]\nrule = subject-cn:admin\n",
	    "doublelock.conf:2: rule: a pattern has %u" },
	{ "[identity]\nrule = subject-cn:%u%u\n",
	    "doublelock.conf:2: rule: a pattern has %u" },
	{ "[identity]\nrule = subject-cn:%s\n", "doublelock.conf:2: rule: a pattern has %u" },
	{ "[identity]\nmap = 00 root\n", "doublelock.conf:2: map: map is the SHA-256" },
	{ "[otp]\ndigits = 5\n", "doublelock.conf:2: digits: a number from 6 to 8" },
	{ "[otp]\nwindow = 5\n", "doublelock.conf:2: window: a number from 0 to 4" },
	{ "[otp]\nalgorithm = MD5\n", "doublelock.conf:2: algorithm: SHA1, SHA256 or SHA512" },
	{ "[lockout]\nfailures = 0\n",
	    "doublelock.conf:2: failures: a number from 1 to 1000" },
	{ "[lockout]\nfor = 0\n", "doublelock.conf:2: for: at least 1s" },
	{ "[lockout]\nsystem-users = a,,b\n",
	    "doublelock.conf:2: system-users: an empty place" },
	{ "[service]\n", "doublelock.conf:1: [service]: [service NAME], " },
	{ "[service x y]\n", "doublelock.conf:1: [service x y]: [service NAME], " },
	{ "[service x]\notp = none\n",
	    "doublelock.conf: [service x]: certificate is missing" },
	{ "[service x]\ncertificate = none\notp = none\n",
	    "doublelock.conf: [service x]: certificate=none has to have otp=required" },
	{ "[service x]\ncertificate = none\notp = if-enrolled\n",
	    "doublelock.conf: [service x]: certificate=none has to have otp=required" },
	{ "[service x]\ncertificate = sshd\n[service x user:a]\ncertificate = none\notp = "
	  "none\n",
	    "doublelock.conf: [service x user:a]: certificate=none has to have otp=required" },
	{ "[service x user:a]\ncertificate = sshd\n",
	    "doublelock.conf: [service x user:a]: an exception to a service that has no" },
	{ "[service x]\ncertificate = sshd\n[service x user:a]\ncertificate = gateway\n",
	    "doublelock.conf: [service x user:a]: an exception asks for" },
	{ "[service x]\ncertificate = sshd\nmode = observe\n",
	    "doublelock.conf: [service x]: mode=observe needs observe-until" },
	{ "[service x]\ncertificate = gateway\nmode = observe\nobserve-until = 2030-01-01\n",
	    "doublelock.conf: [service x]: mode=observe exists for PAM services alone" },
	{ "[service x]\ncertificate = sshd\nunprivileged = yes\n",
	    "doublelock.conf: [service x]: unprivileged=yes needs certificate=none" },
	{ "[service x]\ncertificate = ssh-agent\nunprivileged = yes\n",
	    "doublelock.conf: [service x]: unprivileged=yes needs certificate=none" },
	{ "[service x]\ncertificate = token\nvouch = 0\n",
	    "doublelock.conf: [service x]: vouch and ask-for are for" },
	{ "[service x]\ncertificate = ssh-agent\nsubject = root\n",
	    "doublelock.conf:3: subject: user, or ruser" },
	{ "[service x]\ncertificate = sshd\nsubject = ruser\n",
	    "doublelock.conf: [service x]: subject=ruser is for sudo and su" },
	{ "[service x]\ncertificate = ssh-agent\n[service x user:a]\nsubject = ruser\n",
	    "doublelock.conf: [service x user:a]: subject is of the service itself" },
	{ "[service x]\ncertificate = gateway\nvouch = 65534\n",
	    "doublelock.conf:3: vouch: uid 65534" },
	{ "[service x]\ncertificate = gateway\nvouch = no-such-user-here\n",
	    "doublelock.conf:3: vouch: there is no such user" },
	{ "[service x]\ncertificate = gateway\nask-for = tls:edge1\n",
	    "doublelock.conf:3: ask-for: there is no such user" },
	{ "[service x]\ncertificate = sshd\nask-for = 33\n",
	    "doublelock.conf: [service x]: vouch and ask-for are for" },
	{ "[agent]\nlisten = tcp:127.0.0.1:80\n",
	    "doublelock.conf:2: listen: unix:/PATH, spop" },
	{ "[agent]\nlisten = 127.0.0.1:80\n", "doublelock.conf:2: listen: unix:/PATH, spop" },
	{ "[agent]\nlisten = tls:localhost:80\n",
	    "doublelock.conf:2: listen: unix:/PATH, spop" },
	{ "[agent]\nlisten = tls:::1:80\n", "doublelock.conf:2: listen: unix:/PATH, spop" },
	{ "[agent]\nlisten = tls:10.0.0.1:0\n",
	    "doublelock.conf:2: listen: unix:/PATH, spop" },
	{ "[agent]\nlisten = tls:[10.0.0.1]:\n",
	    "doublelock.conf:2: listen: unix:/PATH, spop" },
	{ "[agent]\nlisten = tls:10.0.0.1:443\ntls-certificate = /c\ntls-key = /k\n",
	    "doublelock.conf: [agent]: listen=tls: needs" },
	{ "[agent]\nclients = /c\n", "doublelock.conf: [agent]: tls-certificate" },
	{ "[agent]\ntls-min = 1.1\n", "doublelock.conf:2: tls-min: 1.3 or 1.2" },
	{ "[service x]\ncertificate = sshd\nfrom = 10.0.0.1/8\n",
	    "doublelock.conf:3: from: networks as" },
	{ "[service x]\ncertificate = sshd\nremember = 8d\n",
	    "doublelock.conf:3: remember: at most" },
	{ "[service x]\ncertificate = none\nremember = 8h\n",
	    "doublelock.conf: [service x]: remember needs a certificate" },
	{ "[service x]\ncertificate = sshd\n[service x user:a]\ncertificate = none\n"
	  "remember = 1s\n",
	    "doublelock.conf: [service x user:a]: remember needs a certificate" },
	{ "[webhook]\nurl = http://example.com/\n",
	    "doublelock.conf:2: url: a URL begins with" },
	{ "[webhook]\nurl = http://127.0.0.1:80@example.com/\n",
	    "doublelock.conf:2: url: a URL" },
	{ "[webhook]\nurl = http://localhost.example.com/\n",
	    "doublelock.conf:2: url: a URL" },
	{ "[webhook]\nurl = https://example.com/\n",
	    "doublelock.conf: [webhook]: secret-file is" },
	{ "[webhook]\nca = /x\n", "doublelock.conf: [webhook]: url is missing" },
	{ "[agent]\nlisten = tcp:80\n",
	    "doublelock.conf:2: listen: unix:/PATH, spop:/PATH, fastcgi:/PATH, or tls:" },
	{ "[state]\nstore = /x\n", "doublelock.conf:2: store: sqlite:/PATH" },
	{ "key = value\n", "doublelock.conf:1: key: stands before any [SECTION]" },
	{ "[otp]\n digits = 6\n",
	    "doublelock.conf:2: digits = 6: a line begins in its first" },
	{ "[otp]\ndigits = 6\n 7\n",
	    "doublelock.conf:3: 7: a line begins in its first column" },
	{ "[otp]\ndigits 6\n", "doublelock.conf:2: digits 6: neither a [SECTION] nor" },
	{ "[otp]\ndigits: 6\n", "doublelock.conf:2: digits: 6: neither a [SECTION] nor" },
	{ "[otp] digits = 6\n", "doublelock.conf:1: [otp] digits = 6: a section is [NAME]" },
	{ "[otp\n", "doublelock.conf:1: [otp: a section is [NAME]" },
	{ "[otp]\ndigits\001 = 6\n", "doublelock.conf:2: a control character" },
	{ "[service aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
	    "doublelock.conf:1: [service aaaa" },
};

static void
bad_files_are_named_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dlk_settings *settings = NULL;
		char words[DLK_DETAIL_MAX + 1];
		int error = load(bad[i].text, strlen(bad[i].text), NULL, &settings, words);

		if (error == 0 || strncmp(words, bad[i].words, strlen(bad[i].words)) != 0)
			fail_msg("row %zu: %d: %s", i, error, words);
	}
}

static void
nothing_is_cut(void **state)
{
	char text[300] = "[trust]\nanchors = /", words[DLK_DETAIL_MAX + 1];
	struct dlk_settings *settings = NULL;
	size_t n = strlen(text);

	(void)state;
	memset(text + n, 'a', 250);
	assert_int_equal(load(text, n + 250, NULL, &settings, words), -EINVAL);
	assert_string_equal(
	    words, "doublelock.conf:2: the line is longer than 197 characters");
	assert_int_equal(load(text, 8 + 197, NULL, &settings, words), 0);
	assert_int_equal(strlen(settings->policy.set[0].anchors[0]), 197 - 10);
	dlk_settings_free(settings);
	assert_int_equal(load("[otp]\ndig\0its = 6\n", 18, NULL, &settings, words), -EINVAL);
	assert_string_equal(words, "doublelock.conf:2: a NUL character");
}

static void
defaults_are_the_manual_s(void **state)
{
	char words[DLK_DETAIL_MAX + 1], path[128];
	struct dlk_settings *settings = NULL;
	const struct dlk_policy *p;

	(void)state;
	assert_int_equal(load("", 0, NULL, &settings, words), 0);
	p = &settings->policy;
	assert_int_equal(p->path.max_depth, 8);
	assert_int_equal(p->path.min_rsa_bits, 2048);
	assert_false(p->path.any_purpose);
	assert_false(p->path.trust_anchors_blindly);
	assert_int_equal(p->revocation.mode, DLK_REVOCATION_REQUIRE);
	assert_int_equal(p->revocation.grace, 0);
	assert_int_equal(p->lockout.key.failures, 5);
	assert_int_equal(p->n_services, 0);
	assert_true(dlk_policy_is_sshd(p, "sshd"));
	assert_false(dlk_policy_is_sshd(p, "sudo"));
	snprintf(path, sizeof(path), "%s/trust.d", dir);
	assert_string_equal(p->set[0].anchors[0], path);
	snprintf(path, sizeof(path), "%s/seal.key", dir);
	assert_string_equal(settings->seal_key, path);
	assert_string_equal(settings->store, "/var/lib/doublelock/state.db");
	assert_string_equal(settings->index, "/var/lib/doublelock/crl");
	dlk_settings_free(settings);
}

static void
purposes_beside_clients_are_named(void **state)
{
	static const struct {
		const char *text;
		bool any, ssh;
	} rows[] = {
		{ "[trust]\npurpose = clientAuth\n", false, false },
		{ "[trust]\npurpose = clientAuth,any\n", true, false },
		{ "[trust]\npurpose = clientAuth,secureShellClient\n", false, true },
		{ "[trust]\npurpose = clientAuth,any,secureShellClient\n", true, true },
	};
	char words[DLK_DETAIL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dlk_settings *settings = NULL;

		assert_int_equal(
		    load(rows[i].text, strlen(rows[i].text), NULL, &settings, words), 0);
		assert_int_equal(settings->policy.path.any_purpose, rows[i].any);
		assert_int_equal(settings->policy.path.ssh_purpose, rows[i].ssh);
		dlk_settings_free(settings);
	}
}

static const char whole[] =
    "# a comment\n"
    "[trust]\nanchors = /etc/ca.pem\nanchors = /etc/ca2.pem\npurpose = clientAuth,any\n"
    "[trust eu]\nanchors = /etc/eu.pem\nrule = san-email:%u@eu.example.com\n"
    "[identity]\nrule = subject-cn:%u\n"
    "map = 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF alice\n"
    "[lockout]\nsystem-users = root, backup\nfor = 5m\n"
    "[service sshd]\ncertificate = sshd\nfrom = 10.0.0.0/8, 2001:db8::/32\nremember = 8h\n"
    "restrict = yes\n"
    "[service sshd user:backup]\notp = none\nfrom = 192.0.2.7\n"
    "[service sshd group:glass]\ncertificate = none ; break the glass\n"
    "restrict = no\n"
    "[service su]\ncertificate = ssh-agent\nsubject = ruser\n[service su user:ann]\notp = "
    "none\n"
    "[service vpn]\ncertificate = gateway\nvouch = 0, 33, tls:root\n"
    "vouch = edge1-no-user\nask-for = tls:edge2\notp = if-enrolled\n"
    "[agent]\nlisten = tls:[::1]:8443\ntls-certificate = /c\ntls-key = /k\nclients = /d\n"
    "readers = mon, tls2\n"
    "[webhook]\nurl = http://127.0.0.1:8080/x\nsecret-file = /etc/secret\n";

static void
a_whole_file_is_read(void **state)
{
	char words[DLK_DETAIL_MAX + 1], relaxed[64];
	struct dlk_settings *settings = NULL;
	const struct dlk_policy *p;
	const struct dlk_service *s;

	(void)state;
	if (load(whole, sizeof(whole) - 1, NULL, &settings, words) != 0)
		fail_msg("%s", words);
	p = &settings->policy;
	assert_int_equal(p->n_sets, 2);
	assert_int_equal(p->set[0].n_anchors, 2);
	assert_string_equal(p->set[1].name, "eu");
	assert_string_equal(p->set[1].rules.rule[0].after, "@eu.example.com");
	assert_int_equal(p->n_map, 1);
	assert_true(dlk_policy_is_system_user(p, "backup"));
	assert_int_equal(p->lockout.source.lasting, 300);
	s = dlk_policy_service(p, "sshd");
	assert_string_equal(s->section, "service sshd");
	assert_true(dlk_service_takes(s, "10.1.2.3"));
	assert_false(dlk_service_takes(s, "192.0.2.7"));
	assert_false(dlk_service_takes(s, ""));
	assert_int_equal(p->service[1].certificate, DLK_CERTIFICATE_SSHD);
	assert_int_equal(p->service[1].otp, DLK_OTP_NONE);
	assert_true(dlk_service_takes(&p->service[1], "192.0.2.7"));
	assert_false(dlk_service_takes(&p->service[1], "10.1.2.3"));
	assert_int_equal(p->service[1].remember, 8 * 3600);
	assert_true(s->restricted && p->service[1].restricted);
	assert_false(p->service[2].restricted);
	assert_int_equal(p->service[2].certificate, DLK_CERTIFICATE_NONE);
	assert_int_equal(p->service[2].n_from, 2);
	assert_int_equal(p->service[2].remember, 0);
	s = dlk_policy_service(p, "su");
	assert_int_equal(s->certificate, DLK_CERTIFICATE_SSH_AGENT);
	assert_int_equal(s->subject, DLK_WHOSE_ASKER);
	assert_int_equal(p->service[4].subject, DLK_WHOSE_ASKER);
	assert_int_equal(p->service[0].subject, DLK_WHOSE_USER);
	s = dlk_policy_service(p, "vpn");
	assert_true(dlk_peers_hold(&s->vouch, &(struct dlk_caller){ .uid = 33 }));
	assert_false(dlk_peers_hold(&s->vouch, &(struct dlk_caller){ .uid = 34 }));
	assert_true(
	    dlk_peers_hold(&s->vouch, &(struct dlk_caller){ .peer = "edge1-no-user" }));
	assert_true(dlk_peers_hold(&s->vouch, &(struct dlk_caller){ .peer = "root" }));
	assert_false(
	    dlk_peers_hold(&s->vouch, &(struct dlk_caller){ .uid = 33, .peer = "edge2" }));
	assert_false(dlk_peers_hold(&s->ask_for, &(struct dlk_caller){ .uid = 33 }));
	assert_true(dlk_peers_hold(&s->ask_for, &(struct dlk_caller){ .peer = "edge2" }));
	dlk_policy_relaxed(p, s, relaxed, sizeof(relaxed));
	assert_string_equal(relaxed, "if-enrolled");
	dlk_settings_free(settings);
}

static void
further_files_add_and_never_override(void **state)
{
	static const char first[] = "[otp]\ndigits = 8\n[service x]\ncertificate = sshd\n";
	char words[DLK_DETAIL_MAX + 1];
	struct dlk_settings *settings = NULL;

	(void)state;
	assert_int_equal(
	    load(first, sizeof(first) - 1, "[otp]\nperiod = 60\n[service x]\notp = none\n",
		&settings, words),
	    0);
	assert_int_equal(settings->policy.otp.period, 60);
	assert_int_equal(settings->policy.n_services, 1);
	assert_int_equal(settings->policy.service[0].otp, DLK_OTP_NONE);
	dlk_settings_free(settings);
	assert_int_equal(
	    load(first, sizeof(first) - 1, "[otp]\ndigits = 6\n", &settings, words), -EINVAL);
	assert_memory_equal(words, "conf.d/more.conf:2: digits: already set at ", 43);
}

static void
files_of_others_are_refused(void **state)
{
	struct dlk_care care = { .owned = true, .owner = geteuid() };
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding;
	char path[128], words[DLK_DETAIL_MAX + 1];

	(void)state;
	assert_int_equal(load("", 0, NULL, &settings, words), 0);
	dlk_settings_free(settings);
	snprintf(path, sizeof(path), "%s/doublelock.conf", dir);
	assert_int_equal(dlk_settings_load(path, &care, &settings, &finding), 0);
	dlk_settings_free(settings);
	assert_int_equal(fchmodat(dir_fd, "doublelock.conf", 0666, 0), 0);
	assert_int_equal(dlk_settings_load(path, &care, &settings, &finding), -DLK_EOWNER);
	assert_int_equal(finding.reason, DLK_R_FAULT_CONFIG);
	assert_non_null(strstr(finding.detail, "have to be root's"));
	assert_int_equal(dlk_settings_load("x.conf", &care, &settings, &finding), -EINVAL);
	assert_int_equal(dlk_settings_load("/no/x.conf", &care, &settings, &finding), -ENOENT);
	assert_string_equal(finding.detail, "/no/x.conf: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    bad_files_are_named_by_line, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(nothing_is_cut, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    defaults_are_the_manual_s, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    purposes_beside_clients_are_named, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_whole_file_is_read, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    further_files_add_and_never_override, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    files_of_others_are_refused, make_dir, remove_dir),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
