/* SPDX-License-Identifier: MIT */
/*
 * request.h - what an entrance has collected, before anybody judges it.
 *
 * Every text here is the caller's word. Which of it is believed is decided from who the
 * caller is (struct dlk_caller), which the receiving process establishes by itself and
 * which never travels.
 */
#ifndef DLK_MODEL_REQUEST_H
#define DLK_MODEL_REQUEST_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/secret.h"

#define DLK_NAME_MAX     255 /* user and service names, octets */
#define DLK_SOURCE_MAX   63  /* an IP address in text */
#define DLK_VISIT_MAX    63
#define DLK_REMARK_MAX   127
#define DLK_TTY_MAX      63
#define DLK_ATTEMPT_SIZE 16
#define DLK_EVIDENCE_MAX (160 * 1024) /* sshd delivers keys of up to 128 KiB */
#define DLK_CHAIN_MAX    (128 * 1024)
#define DLK_ANSWER_MAX   (DLK_EVIDENCE_MAX + 16 * 1024)

enum dlk_entrance {
	DLK_ENTRANCE_NONE = 0,
	DLK_ENTRANCE_PAM,
	DLK_ENTRANCE_AUTHORIZED_KEYS, /* sshd asks before any signature was seen */
	DLK_ENTRANCE_GATEWAY,
	DLK_ENTRANCE_OPERATOR /* verify, explain: judges, settles nothing */
};

/* Who saw the certificate's key used. */
enum dlk_possession {
	DLK_POSSESSION_NONE = 0,
	DLK_POSSESSION_SSHD,
	DLK_POSSESSION_TLS_GATEWAY,
	DLK_POSSESSION_SSH_AGENT,
	DLK_POSSESSION_TOKEN
};

enum dlk_evidence {
	DLK_EVIDENCE_NONE = 0,
	DLK_EVIDENCE_SSH_AUTH_INFO, /* the text of SSH_AUTH_INFO_0 */
	DLK_EVIDENCE_SSH_KEY,       /* "TYPE BASE64", as in authorized_keys(5) */
	DLK_EVIDENCE_CERTIFICATE,   /* DER of one certificate */
	DLK_EVIDENCE_TEXT,    /* one or more as a gateway writes them: PEM, percent-encoded or
				 not; the agent makes DLK_EVIDENCE_CERTIFICATE of it */
	DLK_EVIDENCE_KEPT,    /* SHA-256 of one that this gateway has had kept (`keep`) */
	DLK_EVIDENCE_SSH_BLOB /* an SSH key or certificate in octets; never on the wire */
};

/* A session that begins or ends. It is noted and decides nothing; a request that tells of one
 * asks for nothing else. */
enum dlk_session { DLK_SESSION_NONE = 0, DLK_SESSION_OPENED, DLK_SESSION_CLOSED };

/* Zeroed memory is an empty request; fini wipes and frees. */
struct dlk_request {
	uint8_t attempt[DLK_ATTEMPT_SIZE]; /* random; the same for both halves of one login */
	enum dlk_entrance entrance;
	enum dlk_possession possession;
	enum dlk_evidence evidence_kind;
	struct dlk_buf evidence;
	struct dlk_buf chain; /* further certificates, DER, one after another; may be empty */
	char user[DLK_NAME_MAX + 1]; /* pw_name where the account exists, else as typed */
	bool account_known;          /* getpwnam() knew the name */
	uid_t uid;                   /* its uid, where known */
	char service[DLK_NAME_MAX + 1];
	char source[DLK_SOURCE_MAX + 1]; /* peer address in text; "" where there is none */
	char tty[DLK_TTY_MAX + 1];
	bool has_code;
	/* Browsers send a code again and again: it is looked at only where one is needed. Not
	 * on the wire. */
	bool code_if_needed;
	struct dlk_secret code;
	enum dlk_session session;
	char asker[DLK_NAME_MAX + 1]; /* account for which sudo or su asks; "" not known */
	struct dlk_buf answer;        /* of doublelock-prove, as it came (challenge.h) */
	/* Of the frame that it came in, found by whoever received it: SHA-256. Zeros: it came
	 * in none, and its asker cannot ask it again. Not on the wire. */
	uint8_t octets[32];
	/* out of the answer, on the judge's side alone */
	unsigned trouble; /* enum dlk_trouble */
	struct dlk_buf signature;
	/* Of a gateway alone. Its certificate step and its code step are two calls: the first
	 * one has the certificate kept for the second, which names it by its digest. */
	bool keep;
	char visit[DLK_VISIT_MAX + 1]; /* the gateway's own name of this connection; "" none */
	bool renews; /* the connection stands already: its code was looked at when it began */
	char login[36 + 1]; /* event of the login that its session comes from; "" not known */
	char remark[DLK_REMARK_MAX + 1]; /* what it counted of the session, in words */
};
void dlk_request_fini(struct dlk_request *request);
#define DLK_AUTO_REQUEST __attribute__((cleanup(dlk_request_fini))) struct dlk_request

const char *dlk_entrance_str(enum dlk_entrance entrance);
const char *dlk_possession_str(enum dlk_possession possession);

/* A process and the one that started it, each with the time of its start (in ticks since the
 * machine was), so that a number that is used again is not taken for it. 0: not known. */
struct dlk_process {
	pid_t pid, parent;
	int64_t started, parent_started;
};

/* Who asks, as the process that received the request found out itself: the helper from its
 * parent, the agent from SO_PEERCRED, the command line from its own uid. */
struct dlk_dialogue;
struct dlk_caller {
	enum dlk_entrance entrance; /* by which door */
	uid_t uid;
	bool root;                     /* an euid 0 module or uid 0 peer */
	char peer[DLK_NAME_MAX + 1];   /* a gateway on another host, by the name of its judged
					* certificate; uid is nobody's then. "": of this machine
					*/
	uint8_t peer_key[32];          /* SHA-256 of its public key (SPKI) */
	char name[DLK_NAME_MAX + 1];   /* for the record: "uid:33", "tls:edge1", "helper" */
	struct dlk_process process;    /* the module's; all zero where it is not known */
	pid_t pid;                     /* the process at the other end; 0: not known, */
	int64_t started;               /* and when it began, as in struct dlk_process */
	struct dlk_dialogue *dialogue; /* NULL: this caller cannot be asked for a proof */
};

#endif
