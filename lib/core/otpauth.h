/* SPDX-License-Identifier: MIT */
/*
 * otpauth.h - a token as an otpauth URI, which authenticator apps read from a QR code, and
 * its secret in base32 (RFC 4648 section 6). All of it is secret, so it lives in wiped memory.
 */
#ifndef DLK_CORE_OTPAUTH_H
#define DLK_CORE_OTPAUTH_H

#include "core/otp.h"

#define DLK_OTPAUTH_NAME 255 /* octets of an account or an issuer */

/* Upper case, without padding. 0, -EMSGSIZE, -ENOMEM. */
int dlk_base32_encode(const struct dlk_secret *key, struct dlk_secret *ret_text);
/* As people type it: either case, spaces and dashes between, padding or not. -EINVAL where
 * another octet stands there or bits are left over, -EMSGSIZE. */
int dlk_base32_decode(struct dlk_bytes text, struct dlk_secret *ret_key);

/* Appends otpauth://totp/ISSUER:ACCOUNT?secret=...; all parameters are written, because apps
 * differ in what they presume. 0, -ENOMEM, -EMSGSIZE. */
int dlk_otpauth_encode(
    const struct dlk_otp *otp, const char *issuer, const char *account, struct dlk_buf *uri);

struct dlk_otpauth {
	struct dlk_otp otp;
	char issuer[DLK_OTPAUTH_NAME + 1]; /* "" where there is none */
	char account[DLK_OTPAUTH_NAME + 1];
};
void dlk_otpauth_fini(struct dlk_otpauth *token); /* wipes */
#define DLK_AUTO_OTPAUTH __attribute__((cleanup(dlk_otpauth_fini))) struct dlk_otpauth
/* 0, or -EINVAL and what is wrong (static words, nothing of the URI). A parameter that is not
 * known is passed over, one that is known has to be right. A HOTP counter is the next one. */
int dlk_otpauth_parse(
    struct dlk_bytes uri, struct dlk_otpauth *ret_token, const char **ret_why);

#endif
