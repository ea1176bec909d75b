/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "core/admit.h"
#include "core/section.h"

static uid_t vouching[] = { 33 };
static char edge1[] = "edge1", *remote[] = { edge1 };
#define BOTH                                                                                  \
	{                                                                                     \
		.uid = vouching, .n_uids = 1, .name = remote, .n_names = 1                    \
	}
static struct dlk_service services[] = {
	{ .name = "sshd", .section = "service sshd", .certificate = DLK_CERTIFICATE_SSHD },
	{ .name = "su", .section = "service su", .certificate = DLK_CERTIFICATE_SSHD },
	{ .name = "vpn",
	    .section = "service vpn",
	    .certificate = DLK_CERTIFICATE_GATEWAY,
	    .vouch = BOTH },
	{ .name = "screen",
	    .section = "service screen",
	    .certificate = DLK_CERTIFICATE_NONE,
	    .unprivileged = true },
	{ .name = "console",
	    .section = "service console",
	    .certificate = DLK_CERTIFICATE_NONE },
	{ .name = "tunnel",
	    .section = "service tunnel",
	    .certificate = DLK_CERTIFICATE_NONE,
	    .vouch = BOTH,
	    .ask_for = BOTH },
	{ .name = "sources",
	    .section = "service sources",
	    .certificate = DLK_CERTIFICATE_NONE,
	    .vouch = BOTH },
	{ .name = "names",
	    .section = "service names",
	    .certificate = DLK_CERTIFICATE_NONE,
	    .ask_for = BOTH },
	{ .name = "unset", .section = "service unset" },
	{ .name = "sshd",
	    .section = "service sshd group:ops",
	    .scope = DLK_SCOPE_GROUP,
	    .who = "ops",
	    .certificate = DLK_CERTIFICATE_SSHD },
	{ .name = "sshd",
	    .section = "service sshd user:bob",
	    .scope = DLK_SCOPE_USER,
	    .who = "bob",
	    .certificate = DLK_CERTIFICATE_NONE },
};
static const struct dlk_policy policy = { .service = services,
	.n_services = sizeof(services) / sizeof(*services) };

struct row {
	const char *name;
	struct dlk_caller caller;
	enum dlk_entrance entrance;
	enum dlk_possession possession;
	enum dlk_evidence evidence;
	const char *service, *user, *source;
	bool known;
	uid_t uid;
	enum dlk_reason reason;
};

#define ROOT(door)                                                                            \
	{                                                                                     \
		.entrance = DLK_ENTRANCE_##door, .root = true, .name = "root"                 \
	}
#define USER(door, who)                                                                       \
	{                                                                                     \
		.entrance = DLK_ENTRANCE_##door, .uid = who, .name = "user"                   \
	}
#define TLS(who)                                                                              \
	{                                                                                     \
		.entrance = DLK_ENTRANCE_GATEWAY, .uid = (uid_t)-1, .peer = who,              \
		.name = "tls:" who                                                            \
	}

static const struct row rows[] = {
	{ "sshd's module", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd", "alice", "192.0.2.1", true, 1000, DLK_R_OK },
	{ "sshd without a key", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_NONE, "sshd", "alice", "192.0.2.1", true, 1000,
	    DLK_R_NO_CERTIFICATE },
	{ "a key that nobody saw used", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "sshd's word from su", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "su", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "sshd's word from a user", USER(PAM, 1000), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "another door than stated", ROOT(GATEWAY), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a certificate where a key belongs", ROOT(PAM), DLK_ENTRANCE_PAM,
	    DLK_POSSESSION_SSHD, DLK_EVIDENCE_CERTIFICATE, "sshd", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "no such service", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "nope", "alice", "", true, 1000,
	    DLK_R_UNKNOWN_SERVICE },
	{ "an exception is no service", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd user:bob", "alice", "", true, 1000,
	    DLK_R_CERTIFICATE_MALFORMED },
	{ "a control character in the user", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd", "al\nice", "", false, 0,
	    DLK_R_CERTIFICATE_MALFORMED },
	{ "no user", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "sshd", "", "", false, 0,
	    DLK_R_CERTIFICATE_MALFORMED },
	{ "an unset certificate", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_NONE, "unset", "alice", "", true, 1000, DLK_R_POSSESSION_UNPROVEN },
	{ "an offered key", USER(AUTHORIZED_KEYS, 990), DLK_ENTRANCE_AUTHORIZED_KEYS,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_SSH_KEY, "sshd", "alice", "", true, 1000,
	    DLK_R_OK },
	{ "an offered key that says it was used", USER(AUTHORIZED_KEYS, 990),
	    DLK_ENTRANCE_AUTHORIZED_KEYS, DLK_POSSESSION_SSHD, DLK_EVIDENCE_SSH_KEY, "sshd",
	    "alice", "", true, 1000, DLK_R_POSSESSION_UNPROVEN },
	{ "an offered key for another service", USER(AUTHORIZED_KEYS, 990),
	    DLK_ENTRANCE_AUTHORIZED_KEYS, DLK_POSSESSION_NONE, DLK_EVIDENCE_SSH_KEY, "console",
	    "alice", "", true, 1000, DLK_R_POSSESSION_UNPROVEN },
	{ "a listed program's module", USER(PAM, 33), DLK_ENTRANCE_PAM, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_NONE, "tunnel", "alice", "192.0.2.1", true, 1000, DLK_R_OK },
	{ "one that is not listed", USER(PAM, 34), DLK_ENTRANCE_PAM, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_NONE, "tunnel", "alice", "", true, 34, DLK_R_POSSESSION_UNPROVEN },
	{ "a listed one that saw a key", USER(PAM, 33), DLK_ENTRANCE_PAM, DLK_POSSESSION_SSHD,
	    DLK_EVIDENCE_SSH_AUTH_INFO, "tunnel", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "one that is listed for gateways", USER(PAM, 33), DLK_ENTRANCE_PAM,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "vpn", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a listed gateway", USER(GATEWAY, 33), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_CERTIFICATE, "vpn", "", "192.0.2.1",
	    false, 0, DLK_R_OK },
	{ "root as a gateway", ROOT(GATEWAY), DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_TLS_GATEWAY,
	    DLK_EVIDENCE_CERTIFICATE, "vpn", "", "", false, 0, DLK_R_OK },
	{ "a gateway that is not listed", USER(GATEWAY, 34), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_CERTIFICATE, "vpn", "", "", false, 0,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a gateway on another host", TLS("edge1"), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_CERTIFICATE, "vpn", "", "192.0.2.1",
	    false, 0, DLK_R_OK },
	{ "another one", TLS("edge2"), DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_TLS_GATEWAY,
	    DLK_EVIDENCE_CERTIFICATE, "vpn", "", "", false, 0, DLK_R_POSSESSION_UNPROVEN },
	{ "one on another host whose uid field is listed",
	    { .entrance = DLK_ENTRANCE_GATEWAY, .uid = 33, .peer = "edge2", .name = "tls" },
	    DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_CERTIFICATE, "vpn",
	    "", "", false, 0, DLK_R_POSSESSION_UNPROVEN },
	{ "a user of this machine called like one", USER(GATEWAY, 34), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_CERTIFICATE, "vpn", "", "", false, 0,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a gateway that may name users", TLS("edge1"), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "tunnel", "alice", "192.0.2.1", true, 1000,
	    DLK_R_OK },
	{ "one that may vouch and names a user", TLS("edge1"), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "sources", "alice", "192.0.2.1", true,
	    1000, DLK_R_POSSESSION_UNPROVEN },
	{ "one that may name and states a source", TLS("edge1"), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "names", "alice", "192.0.2.1", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "one that may name and states none", TLS("edge1"), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "names", "alice", "", true, 1000,
	    DLK_R_OK },
	{ "one that may do nothing names a user", TLS("edge2"), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "names", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a program that asks for its own user by HTTP", USER(GATEWAY, 1000),
	    DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "screen", "alice",
	    "", true, 1000, DLK_R_OK },
	{ "a program that asks for another user by HTTP", USER(GATEWAY, 1001),
	    DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "screen", "alice",
	    "", true, 1000, DLK_R_POSSESSION_UNPROVEN },
	{ "a gateway elsewhere whose uid is the user's",
	    { .entrance = DLK_ENTRANCE_GATEWAY, .uid = 1000, .peer = "edge2", .name = "tls" },
	    DLK_ENTRANCE_GATEWAY, DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "screen", "alice",
	    "", true, 1000, DLK_R_POSSESSION_UNPROVEN },
	{ "a gateway for sshd", ROOT(GATEWAY), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_CERTIFICATE, "sshd", "alice", "", true,
	    1000, DLK_R_POSSESSION_UNPROVEN },
	{ "a gateway without possession", ROOT(GATEWAY), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_CERTIFICATE, "vpn", "", "", false, 0,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a gateway without a certificate", ROOT(GATEWAY), DLK_ENTRANCE_GATEWAY,
	    DLK_POSSESSION_TLS_GATEWAY, DLK_EVIDENCE_NONE, "vpn", "", "", false, 0,
	    DLK_R_NO_CERTIFICATE },
	{ "a screen locker for its own user", USER(PAM, 1000), DLK_ENTRANCE_PAM,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "screen", "alice", "", true, 1000,
	    DLK_R_OK },
	{ "a screen locker for another user", USER(PAM, 1001), DLK_ENTRANCE_PAM,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "screen", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a screen locker with a source", USER(PAM, 1000), DLK_ENTRANCE_PAM,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "screen", "alice", "192.0.2.1", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "a user under a service of root's", USER(PAM, 1000), DLK_ENTRANCE_PAM,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "console", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "login on the console", ROOT(PAM), DLK_ENTRANCE_PAM, DLK_POSSESSION_NONE,
	    DLK_EVIDENCE_NONE, "console", "alice", "", true, 1000, DLK_R_OK },
	{ "the operator's door decides nothing", ROOT(OPERATOR), DLK_ENTRANCE_OPERATOR,
	    DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE, "console", "alice", "", true, 1000,
	    DLK_R_POSSESSION_UNPROVEN },
	{ "no door", ROOT(NONE), DLK_ENTRANCE_NONE, DLK_POSSESSION_NONE, DLK_EVIDENCE_NONE,
	    "console", "alice", "", true, 1000, DLK_R_POSSESSION_UNPROVEN },
};

static void
doors_open_for_whom_they_are_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		DLK_AUTO_REQUEST request = { .entrance = row->entrance,
			.possession = row->possession,
			.evidence_kind = row->evidence,
			.account_known = row->known,
			.uid = row->uid };
		const struct dlk_service *service = NULL;
		struct dlk_finding finding = { 0 };
		enum dlk_reason reason;

		strcpy(request.service, row->service);
		strcpy(request.user, row->user);
		strcpy(request.source, row->source);
		if (row->evidence != DLK_EVIDENCE_NONE)
			assert_int_equal(
			    dlk_buf_add(&request.evidence, 10, DLK_BYTES("x", 1)), 0);
		reason = dlk_admit(&policy, &row->caller, &request, &service, &finding);
		if (reason == DLK_R_OK)
			reason = dlk_admit_possession(
			    &policy, &row->caller, &request, service, &finding);
		if (reason != row->reason)
			fail_msg(
			    "%s: %s (%s)", row->name, dlk_reason_str(reason), finding.detail);
		if (reason != DLK_R_OK)
			assert_int_equal(finding.stage, DLK_STAGE_ADMIT);
	}
}

static void
a_session_is_no_question(void **state)
{
	const struct dlk_caller root = ROOT(PAM);
	const struct dlk_service *service = NULL;
	struct dlk_finding finding = { 0 };
	struct dlk_request request = { .entrance = DLK_ENTRANCE_PAM,
		.session = DLK_SESSION_OPENED,
		.user = "alice",
		.service = "sshd" };

	(void)state;
	assert_int_equal(
	    dlk_admit(&policy, &root, &request, &service, &finding), DLK_R_FAULT_INTERNAL);
	assert_null(service);
}

static int
member(void *ctx, const char *user, const char *group, bool *ret_member)
{
	(void)ctx;
	if (strcmp(user, "error") == 0)
		return -EIO;
	*ret_member = strcmp(group, "ops") == 0 && user[0] != 'a';
	return 0;
}

static void
the_most_specific_section_holds(void **state)
{
	static const struct {
		const char *user, *section;
		enum dlk_reason reason;
	} sections[] = {
		{ "alice", "service sshd", DLK_R_OK },
		{ "carol", "service sshd group:ops", DLK_R_OK },
		{ "bob", "service sshd user:bob", DLK_R_OK },
		{ "error", "", DLK_R_FAULT_INTERNAL },
	};
	const struct dlk_ports ports = { .member = member };

	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const struct dlk_service *section = NULL;
		struct dlk_finding finding = { 0 };

		assert_int_equal(dlk_section_find(&policy, &services[0], &ports,
				     sections[i].user, "192.0.2.1", &section, &finding),
		    sections[i].reason);
		assert_string_equal(section ? section->section : "", sections[i].section);
	}
}

static void
a_section_takes_its_sources_alone(void **state)
{
	struct dlk_network network;
	struct dlk_service near = services[0];
	const struct dlk_policy one = { .service = &near, .n_services = 1 };
	const struct dlk_ports ports = { .member = member };
	const struct dlk_service *section = NULL;
	struct dlk_finding finding = { 0 };

	(void)state;
	assert_int_equal(dlk_network_parse("192.0.2.0/24", &network), 0);
	near.from = &network;
	near.n_from = 1;
	assert_int_equal(
	    dlk_section_find(&one, &near, &ports, "alice", "192.0.2.9", &section, &finding),
	    DLK_R_OK);
	assert_int_equal(
	    dlk_section_find(&one, &near, &ports, "alice", "198.51.100.9", &section, &finding),
	    DLK_R_POSSESSION_UNPROVEN);
	assert_int_equal(
	    dlk_section_find(&one, &near, &ports, "alice", "", &section, &finding),
	    DLK_R_POSSESSION_UNPROVEN);
	assert_int_equal(
	    dlk_section_find(&one, &near, &ports, "alice", NULL, &section, &finding),
	    DLK_R_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doors_open_for_whom_they_are_made),
		cmocka_unit_test(a_session_is_no_question),
		cmocka_unit_test(the_most_specific_section_holds),
		cmocka_unit_test(a_section_takes_its_sources_alone),
	};

	return cmocka_run_group_tests_name("admit", tests, NULL, NULL);
}
