/* SPDX-License-Identifier: MIT */
/*
 * sshcarry.c - wraps an X.509 chain into an OpenSSH certificate that its own key signs, on
 * the user's machine: stock ssh then carries it to a server where nothing is registered.
 * Signing is ssh-keygen's: it knows key files, agents and tokens, and asks for passphrases.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/carrier.h"
#include "core/pem.h"

#define CERTS_MAX 16
/* sshd hands the whole key over as one argument of at most 128 KiB: base64 of base64. */
#define CHAIN_TEXT_MAX 92000
#define SKEW           "-5m" /* clocks differ */

struct carry {
	const char *cert, *key, *provider, *out, *user, *lifetime;
	bool agent, pkcs11, config;
	char dir[64]; /* temporary, 0700 */
	char cert_path[PATH_MAX], out_path[PATH_MAX], pub[PATH_MAX], made[PATH_MAX];
	char login[DLK_NAME_MAX + 1];
	char validity[64];
	struct dlk_certs certs;
	struct dlk_buf extension; /* "extension:NAME=BASE64" */
};

static void
carry_fini(struct carry *c)
{
	if (c->dir[0]) {
		unlink(c->pub);
		unlink(c->made);
		rmdir(c->dir);
	}
	dlk_certs_fini(&c->certs);
	dlk_buf_free(&c->extension);
}

static const char *
home(void)
{
	const struct passwd *account = getpwuid(getuid());

	return account ? account->pw_dir : "/";
}

/* The certificate lies beside its key: KEY.pem, or KEY.crt. */
static bool
beside(const char *key, const char *suffix, char *out, size_t size)
{
	dlk_text_print(out, size, "%s%s", key, suffix);
	return access(out, R_OK) == 0;
}

static int
find_paths(struct carry *c, const struct ctl_call *call)
{
	static char key[PATH_MAX];
	bool named = c->cert != NULL;

	if (!c->key && !c->agent && !c->pkcs11) {
		dlk_text_print(key, sizeof(key), "%s/.ssh/id_ecdsa", home());
		c->key = key;
	}
	if (named)
		dlk_text_print(c->cert_path, sizeof(c->cert_path), "%s", c->cert);
	else if (!c->key || (!beside(c->key, ".pem", c->cert_path, sizeof(c->cert_path)) &&
				!beside(c->key, ".crt", c->cert_path, sizeof(c->cert_path))))
		return ctl_misused(
		    call, "--cert FILE: there is no certificate beside the key");
	if (c->out && c->out[0])
		dlk_text_print(c->out_path, sizeof(c->out_path), "%s", c->out);
	else if (c->key)
		dlk_text_print(c->out_path, sizeof(c->out_path), "%s-cert.pub", c->key);
	else
		return ctl_misused(call, "-o FILE: where the OpenSSH certificate goes");
	return CTL_YES;
}

static int
read_chain(struct carry *c)
{
	DLK_AUTO_BUF content = { 0 };
	struct dlk_finding finding = { 0 };
	int error = dlk_file_read(c->cert_path, DLK_CHAIN_MAX * 2, NULL, &content);

	if (error != 0)
		return ctl_fault("%s: %s", c->cert_path, dlk_file_error(error));
	error = dlk_certs_parse_file(dlk_bytes_of(&content), CERTS_MAX, &c->certs, &finding);
	if (error != 0 || c->certs.n == 0)
		return ctl_refuse("%s: %s", c->cert_path, finding.detail);
	return CTL_YES;
}

static int
make_extension(struct carry *c)
{
	DLK_AUTO_BUF der = { 0 };
	int error = 0;

	for (size_t i = 0; i < c->certs.n && error == 0; i++)
		error = dlk_buf_add(&der, DLK_CHAIN_MAX, dlk_cert_der(c->certs.cert[i]));
	if (error == 0)
		error = dlk_buf_add(&c->extension, SIZE_MAX,
		    dlk_bytes_str("extension:" DLK_CARRIER_EXTENSION "="));
	if (error == 0)
		error = dlk_base64_encode(dlk_bytes_of(&der), &c->extension);
	if (error == -EMSGSIZE || (error == 0 && c->extension.n > CHAIN_TEXT_MAX))
		return ctl_refuse(
		    "%s: the chain is too long to be carried: %d octets of base64 at "
		    "most; leave out certificates that the server has itself",
		    c->cert_path, CHAIN_TEXT_MAX);
	if (error == 0)
		error = dlk_buf_add(&c->extension, SIZE_MAX, DLK_BYTES("", 1));
	return error ? ctl_fault("%s", strerrordesc_np(-error)) : CTL_YES;
}

/* ssh-keygen signs what is in NAME.pub, and writes NAME-cert.pub. */
static int
write_public(struct carry *c)
{
	DLK_AUTO_SSHKEY key = { .type = "" };
	DLK_AUTO_BUF text = { 0 };
	DLK_AUTO_FD fd = -1;
	struct dlk_finding finding = { 0 };
	int error;

	if (dlk_sshkey_of_cert(c->certs.cert[0], &key, &finding) != DLK_R_OK)
		return ctl_refuse("%s: %s", c->cert_path, finding.detail);
	strcpy(c->dir, "/tmp/doublelock-carry-XXXXXX");
	if (!mkdtemp(c->dir)) {
		c->dir[0] = '\0';
		return ctl_fault("/tmp: %s", strerrordesc_np(errno));
	}
	dlk_text_print(c->pub, sizeof(c->pub), "%s/key.pub", c->dir);
	dlk_text_print(c->made, sizeof(c->made), "%s/key-cert.pub", c->dir);
	fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = fd < 0 ? -errno : dlk_sshkey_text(&key, &text);
	if (error == 0)
		error = dlk_buf_add(&text, SIZE_MAX, dlk_bytes_str("\n"));
	if (error == 0)
		error = dlk_file_replace(fd, "key.pub", 0600, dlk_bytes_of(&text));
	return error ? ctl_fault("%s: %s", c->pub, dlk_file_error(error)) : CTL_YES;
}

static int
run_keygen(char **argv)
{
	pid_t pid;
	int status = 0;
	int error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (error != 0)
		return ctl_fault("%s: %s; it comes with the OpenSSH client", argv[0],
		    strerrordesc_np(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ctl_fault("%s: %s", argv[0], strerrordesc_np(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return ctl_refuse(
		    "ssh-keygen did not sign: is it the key of the certificate?");
	return CTL_YES;
}

static int
sign(struct carry *c)
{
	char keygen[] = "ssh-keygen", quiet[] = "-q", by[] = "-s", id[] = "-I", name[] = "-n",
	     valid[] = "-V", option[] = "-O", from_agent[] = "-U", from_card[] = "-D",
	     label[] = "doublelock";
	char *key = strdup(c->key ? c->key : c->pub), *card = strdup(c->provider);
	char *argv[20];
	size_t n = 0;
	int end = CTL_FAULT;

	argv[n++] = keygen;
	argv[n++] = quiet;
	if (c->agent)
		argv[n++] = from_agent;
	if (c->pkcs11) {
		argv[n++] = from_card;
		argv[n++] = card;
	}
	argv[n++] = by;
	argv[n++] = c->agent || c->pkcs11 ? c->pub : key;
	argv[n++] = id;
	argv[n++] = label;
	argv[n++] = name;
	argv[n++] = c->login;
	argv[n++] = valid;
	argv[n++] = c->validity;
	argv[n++] = option;
	argv[n++] = (char *)c->extension.p;
	argv[n++] = c->pub;
	argv[n] = NULL;
	if (key && card)
		end = run_keygen(argv);
	free(key);
	free(card);
	return end;
}

/* What was made has to be what a server takes: the same reader looks at it here. */
static int
check_made(const struct dlk_buf *text)
{
	DLK_AUTO_SSHKEY shown = { .type = "" };
	DLK_AUTO_CARRIED carried = { .key = { .type = "" } };
	struct dlk_finding finding = { 0 };
	const uint8_t *blank = memchr(text->p, ' ', text->n);
	size_t rest = blank ? text->n - (size_t)(blank - text->p) - 1 : 0;
	const uint8_t *comment = rest ? memchr(blank + 1, ' ', rest) : NULL;
	size_t n = comment ? (size_t)(comment - text->p) : text->n;

	if (dlk_sshkey_parse(DLK_BYTES(text->p, n), &shown, &finding) != DLK_R_OK ||
	    dlk_carrier_parse(&shown, &carried, &finding) != DLK_R_OK)
		return ctl_refuse("%s: is it the key of the certificate?", finding.detail);
	return CTL_YES;
}

static int
publish(struct carry *c)
{
	DLK_AUTO_BUF text = { 0 };
	DLK_AUTO_FD fd = -1;
	char dir[PATH_MAX];
	const char *slash = strrchr(c->out_path, '/');
	int error = dlk_file_read(c->made, 1024 * 1024, NULL, &text);

	if (error != 0)
		return ctl_fault("%s: %s", c->made, dlk_file_error(error));
	if (check_made(&text) != CTL_YES)
		return CTL_REFUSED;
	dlk_text_print(dir, sizeof(dir), "%.*s",
	    slash ? (int)(slash > c->out_path ? slash - c->out_path : 1) : 1,
	    slash ? c->out_path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = fd < 0 ? -errno
		       : dlk_file_replace(
			     fd, slash ? slash + 1 : c->out_path, 0644, dlk_bytes_of(&text));
	return error ? ctl_fault("%s: %s", c->out_path, dlk_file_error(error)) : CTL_YES;
}

/* For ~/.ssh/config: ssh makes a fresh one before each connection. */
static int
print_config(const struct carry *c)
{
	printf("Match host HOST exec \"doublelock ssh-carry --user %%r%s%s --cert %s -o %s\"\n"
	       "\tCertificateFile %s\n",
	    c->agent    ? " --agent"
	    : c->pkcs11 ? " --pkcs11 --provider "
			: " --key ",
	    c->agent    ? ""
	    : c->pkcs11 ? c->provider
			: c->key,
	    c->cert_path, c->out_path, c->out_path);
	if (c->key)
		printf("\tIdentityFile %s\n", c->key);
	return CTL_YES;
}

static int
carry(struct carry *c)
{
	int end = read_chain(c);

	if (end == CTL_YES)
		end = make_extension(c);
	if (end == CTL_YES)
		end = write_public(c);
	if (end == CTL_YES)
		end = sign(c);
	return end == CTL_YES ? publish(c) : end;
}

static int
settle_options(struct carry *c, const struct ctl_call *call)
{
	const struct passwd *account = getpwuid(getuid());
	int64_t seconds = 600;

	if ((c->key != NULL) + c->agent + c->pkcs11 > 1)
		return ctl_misused(call, "one of --key, --agent and --pkcs11");
	if (!c->provider)
		c->provider = "p11-kit-proxy.so"; /* every token that p11-kit knows */
	if (c->lifetime && (dlk_duration_parse(c->lifetime, &seconds) != 0 || seconds < 60 ||
			       seconds > 86400))
		return ctl_misused(call, "--lifetime from 1m to 24h");
	dlk_text_print(c->validity, sizeof(c->validity), SKEW ":+%llds", (long long)seconds);
	if (!c->user)
		c->user = account ? account->pw_name : "";
	if (!dlk_text_is_name(c->user) || strpbrk(c->user, ",\"") ||
	    !dlk_text_copy(c->login, sizeof(c->login), c->user))
		return ctl_misused(call, "--user NAME: the login name on the server");
	return find_paths(c, call);
}

static int
run(struct ctl_call *call)
{
	__attribute__((cleanup(carry_fini))) struct carry c = { .agent = false };
	const struct ctl_option table[] = {
		{ .name = "cert", .text = &c.cert },
		{ .name = "key", .text = &c.key },
		{ .name = "agent", .flag = &c.agent },
		{ .name = "pkcs11", .flag = &c.pkcs11 },
		{ .name = "provider", .text = &c.provider },
		{ .name = "user", .text = &c.user },
		{ .name = "lifetime", .text = &c.lifetime },
		{ .name = "output", .text = &c.out },
		{ .name = "print-config", .flag = &c.config },
	};
	static char output[] = "--output";
	int end;

	for (int i = 0; i < call->argc; i++)
		if (strcmp(call->argv[i], "-o") == 0)
			call->argv[i] = output;
	if (!CTL_OPTIONS(call, table, 0, 0))
		return CTL_USAGE;
	end = settle_options(&c, call);
	if (end != CTL_YES)
		return end;
	return c.config ? print_config(&c) : carry(&c);
}

const struct ctl_subject ctl_ssh_carry = {
	.name = "ssh-carry",
	.run = run,
	.synopsis = "[--cert FILE] [--key FILE | --agent | --pkcs11 [--provider LIBRARY]] "
		    "[--user NAME] [--lifetime TIME] [-o FILE] [--print-config]",
};
