/* SPDX-License-Identifier: MIT */
/* policy.h - what the configuration demands, as plain values that the decision reads. */
#ifndef DLK_CORE_POLICY_H
#define DLK_CORE_POLICY_H

#include "core/network.h"
#include "core/otp.h"
#include "core/path.h"
#include "core/revoked.h"
#include "model/request.h"

/* Where in a certificate a name is read. */
enum dlk_field {
	DLK_FIELD_NONE = 0,
	DLK_FIELD_SUBJECT_CN,
	DLK_FIELD_SUBJECT_UID,
	DLK_FIELD_SAN_EMAIL,
	DLK_FIELD_SAN_UPN,
	DLK_FIELD_SAN_URI
};

/* FIELD:BEFORE%uAFTER */
struct dlk_rule {
	enum dlk_field field;
	char *before, *after;
};
struct dlk_rules {
	struct dlk_rule *rule;
	size_t n;
};

/* [identity] map = FINGERPRINT USER */
struct dlk_map_entry {
	uint8_t fingerprint[DLK_SHA256_SIZE];
	char user[DLK_NAME_MAX + 1];
};

struct dlk_trust_set {
	char name[DLK_NAME_MAX + 1]; /* "" for [trust] */
	char **anchors;              /* paths; at least one */
	size_t n_anchors;
	struct dlk_rules rules; /* none: those of [identity] */
};

/* Zero is unset, so that a forgotten key never means "code alone". */
enum dlk_certificate {
	DLK_CERTIFICATE_UNSET = 0,
	DLK_CERTIFICATE_SSHD,
	DLK_CERTIFICATE_SSH_AGENT,
	DLK_CERTIFICATE_TOKEN,
	DLK_CERTIFICATE_GATEWAY,
	DLK_CERTIFICATE_NONE
};
enum dlk_otp_demand { DLK_OTP_REQUIRED = 0, DLK_OTP_IF_ENROLLED, DLK_OTP_NONE };
/* Whose certificate and code are asked for: of whom it is about, or of who asks. */
enum dlk_whose { DLK_WHOSE_USER = 0, DLK_WHOSE_ASKER };
enum dlk_scope { DLK_SCOPE_ALL = 0, DLK_SCOPE_GROUP, DLK_SCOPE_USER };

/* Which keys a section states itself; an exception has the rest from its service. */
enum {
	DLK_GIVEN_CERTIFICATE = 1 << 0,
	DLK_GIVEN_OTP = 1 << 1,
	DLK_GIVEN_ACCOUNTS = 1 << 2,
	DLK_GIVEN_VOUCH = 1 << 3,
	DLK_GIVEN_RULES = 1 << 4,
	DLK_GIVEN_FROM = 1 << 5,
	DLK_GIVEN_REMEMBER = 1 << 6,
	DLK_GIVEN_MODE = 1 << 7,
	DLK_GIVEN_UNPRIVILEGED = 1 << 8,
	DLK_GIVEN_ASK_FOR = 1 << 9,
	DLK_GIVEN_SUBJECT = 1 << 10,
	DLK_GIVEN_RESTRICT = 1 << 11
};

/* Programs that have a right: uids of this machine, and names of gateways on others. */
struct dlk_peers {
	uid_t *uid;
	size_t n_uids;
	char **name;
	size_t n_names;
};

/* One [service NAME], [service NAME group:WHO] or [service NAME user:WHO] section. */
struct dlk_service {
	char name[DLK_NAME_MAX + 1];
	char section[2 * DLK_NAME_MAX + 32]; /* as written, without brackets: for events */
	enum dlk_scope scope;
	char who[DLK_NAME_MAX + 1];
	enum dlk_certificate certificate;
	enum dlk_otp_demand otp;
	enum dlk_whose subject;   /* of [service NAME] alone */
	bool names_only;          /* accounts = names: users that NSS does not know */
	bool unprivileged;        /* any uid asks for its own user, by code */
	struct dlk_peers vouch;   /* may state source and possession */
	struct dlk_peers ask_for; /* may name users that no certificate names */
	struct dlk_rules rules;   /* narrow what [identity] and [trust NAME] found */
	struct dlk_network *from;
	size_t n_from;    /* 0: from anywhere */
	bool restricted;  /* sshd: a terminal or a command, and nothing besides */
	int64_t remember; /* seconds; 0 never */
	bool observe;
	int64_t observe_until; /* unix seconds */
	unsigned given;
};

struct dlk_lockout_rule {
	unsigned failures;
	int64_t within, lasting; /* seconds */
};

/* Zeroed memory is an empty policy that accepts nothing. */
struct dlk_policy {
	struct dlk_path_rules path;
	struct dlk_revocation_rules revocation;
	struct dlk_trust_set *set; /* index is the set's number in path.h; [0] is [trust] */
	size_t n_sets;
	struct dlk_rules rules; /* [identity] rule */
	bool carried_refused;   /* [certificates] carried=no */
	struct dlk_map_entry *map;
	size_t n_map;
	struct {
		unsigned digits, period, window;
		enum dlk_otp_algorithm algorithm;
	} otp;
	struct {
		struct dlk_lockout_rule key, user, source;
		char **system_users;
		size_t n_system_users;
	} lockout;
	char **sshd_services;
	size_t n_sshd_services;
	struct dlk_service *service;
	size_t n_services;
};

void dlk_policy_init(struct dlk_policy *policy); /* the defaults that stand in the manual */
void dlk_policy_fini(struct dlk_policy *policy);

/* The [service NAME] section itself, never an exception; NULL where there is none. */
const struct dlk_service *dlk_policy_service(
    const struct dlk_policy *policy, const char *name);
bool dlk_policy_is_sshd(const struct dlk_policy *policy, const char *service);
bool dlk_policy_is_system_user(const struct dlk_policy *policy, const char *user);
/* The relaxations in force for a section (NULL: of the whole policy), in words, "" for none.
 */
void dlk_policy_relaxed(const struct dlk_policy *policy, const struct dlk_service *section,
    char *out, size_t size);
/* `from` takes the address; where `from` is given, no address is not taken. */
bool dlk_service_takes(const struct dlk_service *service, const char *source);
bool dlk_service_observes(const struct dlk_service *service, int64_t now);
bool dlk_peers_hold(const struct dlk_peers *peers, const struct dlk_caller *caller);
/* 0 or -ENOMEM. */
int dlk_peers_add_uid(struct dlk_peers *peers, uid_t uid);
int dlk_peers_add_name(struct dlk_peers *peers, const char *name);
int dlk_peers_copy(struct dlk_peers *to, const struct dlk_peers *from);
void dlk_peers_fini(struct dlk_peers *peers);

/* "FIELD:PATTERN" with %u exactly once. 0, -ENOMEM, or -EINVAL and *ret_why (static). */
int dlk_rules_add(struct dlk_rules *rules, const char *text, const char **ret_why);
void dlk_rules_fini(struct dlk_rules *rules);
/* "FINGERPRINT USER". */
int dlk_policy_add_map(struct dlk_policy *policy, const char *text, const char **ret_why);
const char *dlk_field_str(enum dlk_field field);
const char *dlk_certificate_str(enum dlk_certificate certificate);

#endif
