/* SPDX-License-Identifier: MIT */
/*
 * reason.h - every answer that Doublelock can give, as one list.
 *
 * The texts are a contract: logs, events, HTTP headers, the command line and other
 * people's scripts carry them. A text is never changed or reused.
 *
 * Columns: symbol, text, who has to act, what it means, what to do about it. Zero is
 * "undecided", so that zeroed memory is a refusal; a reason is compared with DLK_R_OK and
 * never tested for truth.
 */
#ifndef DOUBLELOCK_REASON_H
#define DOUBLELOCK_REASON_H

enum dlk_blame {
	DLK_BLAME_SYSTEM = 0, /* a fault of this machine: disk, clock, memory */
	DLK_BLAME_OPERATOR,   /* configuration, trust or CRLs on this machine */
	DLK_BLAME_CLAIMANT,   /* the person or the certificate that they hold */
	DLK_BLAME_LOCK,       /* nobody: time has to pass, or an unlock */
	DLK_BLAME_NOBODY      /* accepted */
};

/* clang-format off */
#define DLK_REASONS(X) \
	X(UNDECIDED, "undecided", SYSTEM, "no decision was reached", "this is a defect: please report it with the log lines around it") \
	X(OK, "ok", NOBODY, "accepted", "nothing") \
	X(NO_CERTIFICATE, "no-certificate", CLAIMANT, "no certificate was presented, or none is registered for the key that was used", "log in with the key of your certificate; 'doublelock cert add USER FILE' registers it") \
	X(CERTIFICATE_MALFORMED, "certificate-malformed", CLAIMANT, "the certificate is not a well-formed X.509 certificate (RFC 5280 section 4)", "have the CA issue it again; 'doublelock verify FILE' names the rule that it breaks") \
	X(UNTRUSTED_ISSUER, "untrusted-issuer", CLAIMANT, "no chain leads from the certificate to a trust anchor", "use a certificate of a trusted CA, or put its issuer into trust.d or intermediates.d") \
	X(PATH_TOO_LONG, "path-too-long", CLAIMANT, "the chain has more CAs than a pathLenConstraint or max-depth allows", "have the CA issue from a shorter chain, or raise [trust] max-depth") \
	X(BAD_SIGNATURE, "bad-signature", CLAIMANT, "a signature in the chain is wrong or uses an algorithm that is not accepted", "have the CA issue the certificate again, signed with SHA-256 or better") \
	X(CERTIFICATE_EXPIRED, "certificate-expired", CLAIMANT, "a certificate of the chain has expired", "renew it") \
	X(CERTIFICATE_NOT_YET_VALID, "certificate-not-yet-valid", CLAIMANT, "a certificate of the chain is not valid yet", "wait until its notBefore, or check the clock of this machine") \
	X(WRONG_PURPOSE, "wrong-purpose", CLAIMANT, "keyUsage, extendedKeyUsage, CA flags or policies do not allow client authentication", "have the CA issue a certificate with digitalSignature and clientAuth") \
	X(WEAK_KEY, "weak-key", CLAIMANT, "a key of the chain is too weak or not well formed", "have the CA issue for a new key: EC P-256 or better, Ed25519, RSA with [trust] min-rsa-bits") \
	X(NAME_CONSTRAINT, "name-constraint", CLAIMANT, "a name lies outside the name constraints of a CA above it", "have a CA issue the certificate that may issue this name") \
	X(UNKNOWN_CRITICAL_EXTENSION, "unknown-critical-extension", CLAIMANT, "a certificate has a critical extension that is not understood", "have the CA issue it without that extension, or mark it not critical") \
	X(REVOKED, "revoked", CLAIMANT, "a certificate of the chain is revoked", "ask the CA for a new certificate and a new key") \
	X(POSSESSION_UNPROVEN, "possession-unproven", CLAIMANT, "nobody who may say so saw the certificate's key used", "log in with the certificate's key; for a gateway, list it in [service NAME] vouch") \
	X(NO_IDENTITY, "no-identity", CLAIMANT, "no identity rule turns the certificate into an account that exists", "compare the certificate's names with [identity] rule: 'doublelock verify FILE' shows them") \
	X(IDENTITY_AMBIGUOUS, "identity-ambiguous", CLAIMANT, "the identity rules name more than one account", "make the rules or the certificate name one account only") \
	X(USER_MISMATCH, "user-mismatch", CLAIMANT, "the certificate belongs to another user", "log in as the user whom the certificate names") \
	X(OTP_REQUIRED, "otp-required", CLAIMANT, "the certificate is good; the one-time code is still missing", "enter the code of the authenticator") \
	X(OTP_WRONG, "otp-wrong", CLAIMANT, "the one-time code is wrong", "enter the code that is shown now; check that the clock of the authenticator is right") \
	X(OTP_REPLAYED, "otp-replayed", CLAIMANT, "the one-time code has been used already", "wait for the next code") \
	X(NOT_ENROLLED, "not-enrolled", CLAIMANT, "the user has no active token", "the operator enrols one with 'doublelock enroll USER'") \
	X(LOCKED_OUT, "locked-out", LOCK, "too many wrong codes with this key", "wait until the lockout ends, or 'doublelock user unlock USER'") \
	X(RATE_LIMITED, "rate-limited", LOCK, "too many requests", "try again later") \
	X(UNKNOWN_SERVICE, "unknown-service", OPERATOR, "the configuration has no [service NAME] for this service", "add a [service NAME] section") \
	X(REVOCATION_UNKNOWN, "revocation-unknown", OPERATOR, "no usable CRL covers a certificate of the chain", "put the CRL of that issuer into crl.d; 'doublelock verify FILE' says which one is missing") \
	X(CRL_STALE, "crl-stale", OPERATOR, "the CRL that covers a certificate of the chain is past its nextUpdate", "put the current CRL into crl.d, or raise [revocation] grace") \
	X(FAULT_STORE, "fault-store", SYSTEM, "the state database cannot be read or written", "check the disk and the owner of the state directory: 'doublelock status'") \
	X(FAULT_CONFIG, "fault-config", SYSTEM, "the configuration, the trust anchors or the sealing key cannot be used", "'doublelock status' names the file and the line") \
	X(FAULT_CLOCK, "fault-clock", SYSTEM, "the clock is behind the time of the last decision", "set the clock; if the recorded time is the wrong one: 'doublelock doctor --accept-clock'") \
	X(FAULT_INTERNAL, "fault-internal", SYSTEM, "memory or another resource of this machine ran out, or a component did not answer", "see the log of this machine")
/* clang-format on */

enum dlk_reason {
#define DLK_REASON_ENUM(symbol, text, blame, meaning, remedy) DLK_R_##symbol,
	DLK_REASONS(DLK_REASON_ENUM)
#undef DLK_REASON_ENUM
	    DLK_REASON_COUNT
};

/* All of these accept any int and answer for "undecided" where it is no reason. */
const char *dlk_reason_str(enum dlk_reason reason);
const char *dlk_reason_meaning(enum dlk_reason reason);
const char *dlk_reason_remedy(enum dlk_reason reason);
enum dlk_blame dlk_reason_blame(enum dlk_reason reason);
/* The reason of a text, DLK_R_UNDECIDED where there is none. */
enum dlk_reason dlk_reason_find(const char *text);

#endif
