/* SPDX-License-Identifier: MIT */
/*
 * enroll.c - gives a user a token: shows its secret once, asks for one code of it, and only
 * then it is active. A code that confirmed is used.
 */
#include "enroll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "grounds.h"
#include "qr.h"
#include "seal.h"

#define LABEL          "default"
#define TRIES          3
#define CERT_FILE_MAX  (1024 * 1024)
#define BATCH_FILE_MAX (256 * 1024 * 1024)

static void
enroll_fini(struct enroll *e)
{
	ctl_files_fini(&e->bind_files);
	ctl_files_fini(&e->batch_files);
	if (e->png_out)
		fclose(e->png_out);
	dlk_engine_close(e->engine);
	dlk_secret_wipe(&e->token.otp.key);
}

static bool
read_options(struct ctl_call *call, struct enroll *e)
{
	const struct ctl_option table[] = {
		{ .name = "config", .text = &e->config },
		{ .name = "label", .text = &e->label },
		{ .name = "issuer", .text = &e->issuer },
		{ .name = "digits", .text = &e->digits },
		{ .name = "period", .text = &e->period },
		{ .name = "algorithm", .text = &e->algorithm },
		{ .name = "hotp", .flag = &e->hotp },
		{ .name = "counter", .text = &e->counter },
		{ .name = "bind", .text = &e->bind },
		{ .name = "secret-stdin", .flag = &e->secret_stdin },
		{ .name = "no-confirm", .flag = &e->no_confirm },
		{ .name = "ascii", .flag = &e->ascii },
		{ .name = "png", .text = &e->png },
		{ .name = "batch", .text = &e->batch },
		{ .name = "recovery", .flag = &e->recovery },
		{ .name = "json", .flag = &e->json },
	};

	if (!CTL_OPTIONS(call, table, 0, 1))
		return false;
	if (call->argc == (e->batch ? 1 : 0))
		(void)ctl_misused(call, "one user is asked for, or --batch");
	else if (e->batch && (e->png || e->bind || e->secret_stdin))
		(void)ctl_misused(
		    call, "--batch takes secrets from its file and makes no PNG");
	else if (e->counter && !e->hotp)
		(void)ctl_misused(call, "--counter goes with --hotp");
	else if (e->label && (!e->label[0] || strlen(e->label) > DLK_TOKEN_LABEL_MAX))
		(void)ctl_misused(call, "--label has 1 to %d octets", DLK_TOKEN_LABEL_MAX);
	else
		return true;
	return false;
}

/* What was not asked for is as the configuration says. */
static bool
read_token(struct ctl_call *call, struct enroll *e)
{
	const struct dlk_policy *policy = dlk_engine_policy(e->engine);
	struct dlk_otp *otp = &e->token.otp;
	int64_t digits = policy->otp.digits, period = policy->otp.period, counter = 0;

	if (!ctl_number(
		call, "digits", e->digits, DLK_OTP_DIGITS_MIN, DLK_OTP_DIGITS_MAX, &digits) ||
	    !ctl_number(
		call, "period", e->period, DLK_OTP_PERIOD_MIN, DLK_OTP_PERIOD_MAX, &period) ||
	    !ctl_number(call, "counter", e->counter, 0, INT64_MAX - 1, &counter))
		return false;
	otp->algorithm = policy->otp.algorithm;
	if (e->algorithm && dlk_otp_algorithm_find(e->algorithm, &otp->algorithm) < 0) {
		(void)ctl_misused(call, "--algorithm: SHA1, SHA256 or SHA512");
		return false;
	}
	otp->kind = e->hotp ? DLK_OTP_HOTP : DLK_OTP_TOTP;
	otp->digits = (unsigned)digits;
	otp->period = (unsigned)period;
	otp->last_step = counter - 1;
	(void)dlk_text_copy(
	    e->token.label, sizeof(e->token.label), e->label ? e->label : LABEL);
	if (gethostname(e->host, sizeof(e->host) - 1) != 0 || !e->host[0])
		(void)dlk_text_copy(e->host, sizeof(e->host), "doublelock");
	if (!e->issuer)
		e->issuer = e->host;
	return true;
}

/* Before privileges are given up: files that the operator may read and write. */
static int
open_files(struct enroll *e)
{
	if (e->bind && ctl_files_read(&e->bind_files, e->bind, NULL, CERT_FILE_MAX) < 0)
		return ctl_fault("out of memory");
	if (e->batch && ctl_files_read(&e->batch_files, e->batch, NULL, BATCH_FILE_MAX) < 0)
		return ctl_fault("out of memory");
	if (!e->png)
		return CTL_YES;
	int fd = open(e->png, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	e->png_out = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!e->png_out)
		return ctl_fault("%s: %s", e->png, dlk_file_error(errno));
	return CTL_YES;
}

static int
bind_to_key(struct enroll *e)
{
	DLK_AUTO_CERTS certs = { 0 };
	struct dlk_finding finding = { 0 };

	if (!e->bind)
		return CTL_YES;
	enum dlk_reason reason =
	    ctl_certs_presented(&e->bind_files.file[0], 16, &certs, &finding);
	if (reason == DLK_R_FAULT_CONFIG)
		return ctl_fault("%s", finding.detail);
	if (reason != DLK_R_OK)
		return ctl_refuse("%s: %s", dlk_reason_str(reason), finding.detail);
	e->token.bound = true;
	memcpy(e->token.key_id, dlk_cert_key_id(certs.cert[0]), sizeof(e->token.key_id));
	return CTL_YES;
}

static int
make_secret(struct enroll *e)
{
	DLK_AUTO_SECRET line = { .n = 0 };
	int r;

	if (!e->secret_stdin) {
		r = ctl_token_secret(&e->token.otp);
		return r < 0 ? ctl_fault("no secret: %s", dlk_file_error(r)) : CTL_YES;
	}
	if (isatty(STDIN_FILENO))
		fputs("Secret (base32, or hex:...): ", stderr);
	r = ctl_read_line(&line);
	if (r == 0)
		r = ctl_secret_parse(&line, &e->token.otp.key);
	return r < 0
		   ? ctl_refuse("the secret is neither base32 nor hex: and %d octets or more",
			 DLK_OTP_KEY_MIN)
		   : CTL_YES;
}

static int
show(const struct enroll *e, struct dlk_bytes uri, FILE *out)
{
	enum ctl_qr_style style = e->ascii              ? CTL_QR_ASCII
				  : isatty(fileno(out)) ? CTL_QR_COLOURS
							: CTL_QR_BLOCKS;
	DLK_AUTO_SECRET text = { .n = 0 };

	int r = dlk_base32_encode(&e->token.otp.key, &text);
	if (r == 0 && e->png_out)
		r = ctl_qr_png(uri, e->png_out);
	if (r == 0 && !e->png_out)
		r = ctl_qr_print(uri, style, out);
	if (r < 0)
		return ctl_fault("the QR code: %s", dlk_file_error(r));
	fprintf(out, "\nScan this with an authenticator app, or type it in:\n\n");
	fprintf(out, "    secret     %.*s\n", (int)text.n, (const char *)text.b);
	fprintf(out, "    uri        %.*s\n", (int)uri.n, (const char *)uri.p);
	fprintf(out, "    account    %s\n    token      %s, %s, %s, %u digits", e->user,
	    e->token.label, dlk_otp_kind_str(e->token.otp.kind),
	    dlk_otp_algorithm_str(e->token.otp.algorithm), e->token.otp.digits);
	if (e->token.otp.kind == DLK_OTP_TOTP)
		fprintf(out, ", %u s", e->token.otp.period);
	fputs("\n\n", out);
	return fflush(out) == 0 ? CTL_YES : ctl_fault("the QR code could not be written");
}

/* One code, so that a token is never active that its owner cannot use. */
static int
confirm(struct enroll *e, FILE *out)
{
	const struct dlk_policy *policy = dlk_engine_policy(e->engine);

	for (int i = 0; i < TRIES; i++) {
		DLK_AUTO_SECRET code = { .n = 0 };
		enum dlk_otp_match match = DLK_OTP_NO;
		int64_t step = 0;
		fputs("Verification code: ", out);
		fflush(out);
		int r = ctl_read_line(&code);
		if (r == -ENODATA)
			break;
		if (r == 0)
			r = dlk_otp_check(&e->token.otp, &code, dlk_clock_now(),
			    policy->otp.window, &match, &step);
		if (r == 0 && match == DLK_OTP_FRESH) {
			e->token.otp.last_step = step;
			return CTL_YES;
		}
		fputs("That is not the code.\n", out);
	}
	return ctl_refuse("not confirmed; no token was made");
}

static int
store(struct enroll *e, struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	struct dlk_record *record = dlk_engine_record(e->engine);
	int64_t id = 0;
	size_t left = 0;

	int r = dlk_tokens_add(record, e->user, &e->token, e->actor, e->now, &id);
	if (r == -EEXIST || r == -ENOSPC)
		return ctl_refuse(
		    "%s; --label names another one, 'doublelock token remove' makes room",
		    dlk_record_trouble(record));
	if (r == 0)
		r = dlk_recovery_left(record, e->user, &left);
	if (r == 0 && left == 0)
		r = ctl_recovery_make(record, e->user, e->actor, e->now, codes);
	return r < 0 ? ctl_fault("%s", dlk_record_trouble(record)) : CTL_YES;
}

static int
print_result(const struct enroll *e, struct dlk_bytes uri,
    const struct dlk_secret codes[CTL_RECOVERY_CODES])
{
	DLK_AUTO_SECRET text = { .n = 0 };

	if (!e->json) {
		printf("Token '%s' of %s is active.\n", e->token.label, e->user);
		if (codes[0].n > 0)
			ctl_recovery_print(stdout, codes);
		return fflush(stdout) == 0 ? CTL_YES : CTL_FAULT;
	}
	if (dlk_base32_encode(&e->token.otp.key, &text) < 0)
		return ctl_fault("out of memory");
	return ctl_print(
	    json_pack("{s:s,s:s,s:o,s:o,s:o}", "user", e->user, "label", e->token.label,
		"secret", ctl_secret_json(DLK_BYTES(text.b, text.n)), "uri",
		ctl_secret_json(uri), "recovery", ctl_recovery_json(codes)),
	    CTL_YES);
}

static int
enroll_one(struct enroll *e)
{
	struct dlk_secret codes[CTL_RECOVERY_CODES] = { 0 };
	DLK_AUTO_BUF uri = { 0 };
	FILE *out = e->json ? stderr : stdout;
	bool asks =
	    !e->no_confirm && (!e->json || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)));

	int end = make_secret(e);
	if (end == CTL_YES && dlk_otpauth_encode(&e->token.otp, e->issuer, e->user, &uri) < 0)
		end = ctl_refuse("the names are too long for a QR code");
	if (end == CTL_YES && (!e->json || asks || e->png_out))
		end = show(e, dlk_bytes_of(&uri), out);
	if (end == CTL_YES && asks)
		end = confirm(e, out);
	if (end == CTL_YES)
		end = store(e, codes);
	if (end == CTL_YES)
		end = print_result(e, dlk_bytes_of(&uri), codes);
	ctl_recovery_wipe(codes);
	return end;
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(enroll_fini))) struct enroll e = { .now = dlk_clock_now() };

	if (!read_options(call, &e))
		return CTL_USAGE;
	int end = e.batch ? CTL_YES : ctl_account(call, call->argv[0], e.user, &e.known);
	if (end != CTL_YES)
		return end;
	ctl_actor(e.actor);
	end = ctl_seal_first(e.config);
	if (end == CTL_YES)
		end = open_files(&e);
	if (end == CTL_YES)
		end = ctl_open(e.config, DLK_ENGINE_RECORD | DLK_ENGINE_CREATE, &e.engine);
	if (end != CTL_YES)
		return end;
	if (!read_token(call, &e))
		return CTL_USAGE;
	if (e.batch)
		return ctl_enroll_batch(&e);
	if (!e.known)
		fprintf(stderr, "doublelock: note: there is no account '%s' on this machine\n",
		    e.user);
	end = bind_to_key(&e);
	return end == CTL_YES ? enroll_one(&e) : end;
}

const struct ctl_subject ctl_enroll = {
	.name = "enroll",
	.run = run,
	.synopsis =
	    "[--config FILE] [--label L] [--issuer I] [--digits N] [--period N]\n"
	    "         [--algorithm SHA1|SHA256|SHA512] [--hotp [--counter N]] [--bind CERT]\n"
	    "         [--secret-stdin] [--no-confirm] [--ascii] [--png FILE] [--json] USER\n"
	    "         [--recovery] [--json] --batch FILE.csv",
};
