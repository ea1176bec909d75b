/* SPDX-License-Identifier: MIT */
/*
 * challenge.h - what a judge has signed to see a key used, and what came of it. Both travel as
 * octets that the PAM module passes on and does not read: the challenge to doublelock-prove,
 * its answer back to the judge.
 */
#ifndef DLK_MODEL_CHALLENGE_H
#define DLK_MODEL_CHALLENGE_H

#include <doublelock/reason.h>

#include "model/request.h"

#define DLK_CHALLENGE_HASH 32 /* octets of SHA-256 */
#define DLK_WANTED_MAX     (64 * 1024)
#define DLK_CHALLENGE_MAX  (DLK_WANTED_MAX + 4096)
#define DLK_SIGNATURE_MAX  (8 * 1024)
#define DLK_CHALLENGE_LIFE 60 /* seconds from being made to being answered */

/* Number on the wire, then the reason that it is to the judge, and words. A number is never
 * used again; one that is not known is INTERNAL. */
/* clang-format off */
#define DLK_TROUBLES(X) \
	X(INTERNAL, 1, FAULT_INTERNAL, "no proof could be got: doublelock-prove failed; its lines in the log say why") \
	X(NOBODY, 2, POSSESSION_UNPROVEN, "the program that asks names no user whose agent could be asked, or root") \
	X(NO_AGENT, 3, POSSESSION_UNPROVEN, "no SSH agent: the user's environment has no SSH_AUTH_SOCK (ssh -A forwards one)") \
	X(UNREACHABLE, 4, POSSESSION_UNPROVEN, "SSH_AUTH_SOCK leads to no agent that answers") \
	X(FOREIGN, 5, POSSESSION_UNPROVEN, "SSH_AUTH_SOCK leads to a process of another user") \
	X(LATE, 6, POSSESSION_UNPROVEN, "the SSH agent did not answer in time") \
	X(GARBLED, 7, POSSESSION_UNPROVEN, "what the SSH agent answered is not its protocol") \
	X(NO_KEY, 8, NO_CERTIFICATE, "the SSH agent has neither the key of a registered certificate of the user nor a carried one") \
	X(DECLINED, 9, POSSESSION_UNPROVEN, "the SSH agent has the key and did not sign: a key that is bound to destinations (ssh-add -h), or not confirmed") \
	X(UNREADABLE, 10, FAULT_INTERNAL, "doublelock-prove cannot read the environment of the program that asks (/proc, CAP_SYS_PTRACE)") \
	X(NO_MODULE, 11, FAULT_INTERNAL, "p11-kit has no PKCS #11 module that could be loaded; 'p11-kit list-modules' shows them") \
	X(NO_CARD, 12, NO_CERTIFICATE, "no smart card or token is there") \
	X(EMPTY_CARD, 13, NO_CERTIFICATE, "there is a token, but no certificate of a user on it") \
	X(NO_PIN, 14, POSSESSION_UNPROVEN, "no PIN was entered for the token") \
	X(WRONG_PIN, 15, POSSESSION_UNPROVEN, "the PIN of the token is wrong") \
	X(LAST_PIN, 16, POSSESSION_UNPROVEN, "the PIN of the token is wrong; after one more wrong one it locks itself") \
	X(LOCKED_PIN, 17, POSSESSION_UNPROVEN, "the PIN of the token is locked after too many wrong ones; whoever issued it unlocks it") \
	X(NO_PIN_SET, 18, POSSESSION_UNPROVEN, "the token has no PIN yet, or one that has to be changed first") \
	X(NO_PRIVATE_KEY, 19, POSSESSION_UNPROVEN, "the token has the certificate and not its key") \
	X(NOT_SIGNED, 20, POSSESSION_UNPROVEN, "the token has the key and did not sign") \
	X(CARD_GONE, 21, POSSESSION_UNPROVEN, "the token was taken out")
/* clang-format on */

enum dlk_trouble {
	DLK_TROUBLE_NONE = 0,
#define DLK_TROUBLE_ENUM(symbol, number, reason, words) DLK_TROUBLE_##symbol = number,
	DLK_TROUBLES(DLK_TROUBLE_ENUM)
#undef DLK_TROUBLE_ENUM
};
enum dlk_reason dlk_trouble_reason(enum dlk_trouble trouble);
const char *dlk_trouble_words(enum dlk_trouble trouble);

/* Zeroed memory asks for nothing. */
struct dlk_challenge {
	enum dlk_possession by;             /* DLK_POSSESSION_SSH_AGENT or _TOKEN */
	struct dlk_buf data;                /* to be signed */
	uint8_t digest[DLK_CHALLENGE_HASH]; /* its SHA-256, for what signs only digests */
	/* SSH strings, what need be tried: keys in SSH's form; for a token certificates in DER
	 */
	struct dlk_buf wanted;
};
void dlk_challenge_fini(struct dlk_challenge *challenge);
#define DLK_AUTO_CHALLENGE __attribute__((cleanup(dlk_challenge_fini))) struct dlk_challenge

/* Either trouble, or evidence (an SSH blob or a certificate in DER) and a signature. */
struct dlk_answer {
	enum dlk_trouble trouble;
	enum dlk_possession by;
	struct dlk_buf evidence, signature;
};
void dlk_answer_fini(struct dlk_answer *answer);
#define DLK_AUTO_ANSWER __attribute__((cleanup(dlk_answer_fini))) struct dlk_answer

#endif
