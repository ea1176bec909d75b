/* SPDX-License-Identifier: MIT */
/*
 * ports.h - everything that the decision asks of the world outside. All return 0 or -errno;
 * an error is a fault and never an answer.
 */
#ifndef DLK_CORE_PORTS_H
#define DLK_CORE_PORTS_H

#include "core/otp.h"
#include "core/path.h"
#include "core/revoked.h"
#include "model/event.h"

#define DLK_TOKENS_MAX        16
#define DLK_RECOVERY_MAX      16
#define DLK_TOKEN_LABEL_MAX   63
#define DLK_RECALL_SECONDS    30
#define DLK_RECOVERY_TEXT_MAX 31 /* a code as typed, without what separates its groups */

struct dlk_known;

struct dlk_account {
	char name[DLK_NAME_MAX + 1];
	uid_t uid;
};

struct dlk_token {
	int64_t id;
	char label[DLK_TOKEN_LABEL_MAX + 1];
	struct dlk_otp otp;
	bool bound; /* opens only with the certificate whose key_id is here */
	uint8_t key_id[DLK_SHA256_SIZE];
};

struct dlk_recovery_code {
	int64_t id;
	uint8_t mac[DLK_SHA256_SIZE];
};

struct dlk_failures {
	unsigned count;       /* within the running window */
	int64_t since;        /* its begin */
	int64_t locked_until; /* 0: not locked */
	unsigned lockouts;    /* in a row: doubles the next one */
};

/* Whose memory: user, certificate key (zeros for certificate=none), service, source. */
struct dlk_subject {
	char user[DLK_NAME_MAX + 1];
	uint8_t key_id[DLK_SHA256_SIZE];
	char service[DLK_NAME_MAX + 1];
	char source[DLK_SOURCE_MAX + 1];
	const char *caller, *visit; /* borrowed; NULL or "": no visit */
};

/* What the record knows of a subject. fini wipes. */
struct dlk_memory {
	struct dlk_token token[DLK_TOKENS_MAX];
	size_t n_tokens;
	struct dlk_recovery_code recovery[DLK_RECOVERY_MAX];
	size_t n_recovery;
	struct dlk_failures failures;      /* of (user, key) */
	struct dlk_failures user_failures; /* of the user over all keys */
	struct dlk_failures
	    source_failures;      /* of the source over all users; empty without one */
	int64_t remembered_until; /* a full login of this subject holds until then; 0: none */
	int64_t remembered_since;
	int64_t
	    last_token; /* token and step that this (user, key, service, source) used last */
	int64_t last_step;
	/* The record came back from a backup, and nobody has said that this is meant: what was
	 * used since is not known, so what only the record keeps from being used again is not
	 * taken. */
	bool restored;
	bool visited; /* the subject's visit was allowed before */
};
void dlk_memory_fini(struct dlk_memory *memory);
#define DLK_AUTO_MEMORY __attribute__((cleanup(dlk_memory_fini))) struct dlk_memory

/* A certificate that a gateway has brought for its next call. */
struct dlk_kept {
	int64_t row;                       /* 0: none */
	uint8_t attempt[DLK_ATTEMPT_SIZE]; /* that it is one half of; zeros: it was judged */
	struct dlk_buf certificate, chain;
};
void dlk_kept_fini(struct dlk_kept *kept);

/* By which the record knows the very same request again. */
struct dlk_mark {
	bool set;
	uint8_t mac[DLK_SHA256_SIZE];
};

/* All that one decision changes; one transaction. */
struct dlk_settlement {
	struct dlk_event event;
	uint8_t attempt[DLK_ATTEMPT_SIZE];
	struct dlk_mark mark;
	bool provisional; /* otp-required: superseded by the attempt's final verdict */
	bool once;        /* the first verdict of an attempt stands; repeats write nothing */
	bool has_subject;
	struct dlk_subject subject;
	int64_t token; /* id of the token whose step is used; 0: none */
	int64_t step_before, step;
	int64_t recovery;       /* id of the recovery code that is used; 0: none */
	int64_t remember_until; /* 0: nothing to remember */
	bool failures_changed;
	struct dlk_failures failures;
	bool ceilings_changed;
	struct dlk_failures user_failures, source_failures;
	bool lockout_started;
	struct dlk_process process; /* whose sessions come from this login; zeros: not known */
	bool keep;                  /* the certificate and chain here, for the next call */
	struct dlk_bytes certificate, chain;
	int64_t kept; /* the one that was judged: not kept any longer; 0: none */
	bool visited; /* the subject's visit was allowed */
};

/*
 * begin opens the record (subject NULL: for writing alone) and locks it until settle or
 * abandon. -ETIME: `now` is more than five minutes behind the highest time settled.
 * -ENOKEY, -EKEYREJECTED: the sealing key is missing or is another one. -ENOENT: there is no
 * record. settle: -EEXIST where the code was used meanwhile, -EALREADY where the attempt has
 * its final verdict and this one is no refusal; nothing is written then. ret_event_id has
 * DLK_EVENT_ID_TEXT + 1. The same where what was kept has been used meanwhile.
 */
struct dlk_ports {
	void *ctx;
	const struct dlk_trust *trust;
	const struct dlk_crls *crls;
	/* -ENOENT where there is no such account */
	int (*account)(void *ctx, const char *name, struct dlk_account *ret_account);
	int (*member)(void *ctx, const char *user, const char *group, bool *ret_member);
	/* certificates registered for the user; none is 0 and an empty list */
	int (*registered)(void *ctx, const char *user, struct dlk_certs *certs);
	int (*begin)(void *ctx, const struct dlk_subject *subject, int64_t now,
	    struct dlk_memory *memory);
	int (*settle)(void *ctx, const struct dlk_settlement *settlement, char *ret_event_id);
	void (*abandon)(void *ctx);
	const char *(*trouble)(void *ctx); /* words for the last error, with the file's name */
	int (*recovery_mac)(void *ctx, const char *user, const struct dlk_secret *code,
	    uint8_t *ret_mac); /* DLK_SHA256_SIZE octets, under the sealing key */
	int (*nonce)(void *ctx, uint8_t *ret_octets, size_t n); /* random */
	const char *host; /* of this machine, for challenges */
	/* what was judged by this policy, trust and these lists before; NULL: nothing is kept
	 */
	struct dlk_known *known;
	/* told of each certificate whose signatures reach an anchor, and of its issuer: lists
	 * of revocation are where it says. Nothing waits for it. NULL: nobody cares */
	void (*want)(void *ctx, const struct dlk_cert *cert, const struct dlk_cert *issuer);
	/* told of each certificate with a path whether it is good or revoked; likewise */
	void (*judged)(void *ctx, const struct dlk_cert *cert, bool good);
	/* What this caller has had kept for this service and source, by the digest that is the
	 * request's evidence. -ENOENT */
	int (*kept)(void *ctx, const struct dlk_caller *caller,
	    const struct dlk_request *request, int64_t now, struct dlk_kept *ret_kept);
	/* What the same octets of the same process came to in the same attempt, at most
	 * DLK_RECALL_SECONDS ago: its event. -ENOENT: nothing is known of it; then the mark,
	 * where there can be one, is for the settlement. NULL: nothing is asked again */
	int (*recall)(void *ctx, const struct dlk_caller *caller,
	    const struct dlk_request *request, int64_t now, struct dlk_mark *ret_mark,
	    struct dlk_event *ret_event);
};

#endif
