/* SPDX-License-Identifier: MIT */
/*
 * pamlogin.c - a login program like sshd, seen from PAM: the real libpam, the installed
 * module.
 *
 *   pamlogin SERVICE[,SERVICE] USER CODE PROCESSES <SSH_AUTH_INFO_0
 *
 * Prompts that begin with "PIN " are answered with $PIN, and told to standard error.
 * So many processes authenticate at once with the same code, by one service and the other.
 * Prints how many were let in, how often a code was asked, and what the last one was told.
 */
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INFO_MAX      (512 * 1024)
#define PROCESSES_MAX 64

struct login {
	const char *service, *other, *user, *code;
	char *info; /* "SSH_AUTH_INFO_0=..." */
};
/* What one process found out. */
struct answer {
	int result;
	unsigned prompts;
};

struct talk {
	const char *code, *pin;
	unsigned prompts;
};

static int
converse(int n, const struct pam_message **message, struct pam_response **ret, void *arg)
{
	struct talk *talk = arg;
	struct pam_response *response = calloc((size_t)n, sizeof(*response));

	if (!response)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		if (message[i]->msg_style != PAM_PROMPT_ECHO_OFF)
			continue;
		talk->prompts++;
		bool pin = strncmp(message[i]->msg, "PIN ", 4) == 0;
		if (pin)
			fprintf(stderr, "%s\n", message[i]->msg);
		response[i].resp = strdup(pin && talk->pin ? talk->pin : talk->code);
	}
	*ret = response;
	return PAM_SUCCESS;
}

static struct answer
authenticate(const struct login *login)
{
	struct talk talk = { .code = login->code, .pin = getenv("PIN") };
	const struct pam_conv conversation = { .conv = converse, .appdata_ptr = &talk };
	pam_handle_t *pamh = NULL;

	int result = pam_start(login->service, login->user, &conversation, &pamh);
	if (result == PAM_SUCCESS)
		result = pam_putenv(pamh, login->info);
	if (result == PAM_SUCCESS)
		result = pam_putenv(pamh, "SSH_CONNECTION=192.0.2.7 40000 192.0.2.1 22");
	if (result == PAM_SUCCESS)
		result = pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	if (result == PAM_SUCCESS)
		result = pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK);
	pam_end(pamh, result);
	return (struct answer){ .result = result, .prompts = talk.prompts };
}

/* Children wait at the gate until all of them stand there: it opens when it is closed. */
static pid_t
start(const struct login *all, int i, const int gate[2], int out)
{
	struct login login = *all;
	struct answer answer;
	char octet;

	if (all->other && i % 2 == 1)
		login.service = all->other;

	pid_t pid = fork();
	if (pid != 0)
		return pid;
	close(gate[1]);
	if (read(gate[0], &octet, 1) != 0)
		_exit(2);
	answer = authenticate(&login);
	_exit(write(out, &answer, sizeof(answer)) == sizeof(answer) ? 0 : 2);
}

static int
race(const struct login *login, int processes)
{
	int gate[2], out[2], in = 0;
	unsigned prompts = 0;
	struct answer answer = { .result = PAM_SYSTEM_ERR };

	if (pipe(gate) != 0 || pipe(out) != 0)
		return 2;
	for (int i = 0; i < processes; i++)
		if (start(login, i, gate, out[1]) < 0)
			return 2;
	close(gate[0]);
	close(gate[1]);
	close(out[1]);
	for (int i = 0; i < processes; i++) {
		if (read(out[0], &answer, sizeof(answer)) != sizeof(answer))
			return 2;
		in += answer.result == PAM_SUCCESS;
		prompts += answer.prompts;
	}
	while (wait(NULL) > 0)
		;
	printf("%d of %d, %u prompts, %s\n", in, processes, prompts,
	    pam_strerror(NULL, answer.result));
	return 0;
}

int
main(int argc, char **argv)
{
	static const char name[] = "SSH_AUTH_INFO_0=";
	char *info = calloc(1, sizeof(name) + INFO_MAX);

	if (argc != 5 || !info) {
		fputs(
		    "usage: pamlogin SERVICE[,SERVICE] USER CODE PROCESSES <SSH_AUTH_INFO_0\n",
		    stderr);
		return 2;
	}
	memcpy(info, name, sizeof(name) - 1);
	(void)!fread(info + sizeof(name) - 1, 1, INFO_MAX, stdin);
	char *other = strchr(argv[1], ',');
	if (other)
		*other++ = '\0';
	const struct login login = { .service = argv[1],
		.other = other,
		.user = argv[2],
		.code = argv[3],
		.info = info };
	int processes = (int)strtol(argv[4], NULL, 10);
	int end = processes < 1 || processes > PROCESSES_MAX ? 2 : race(&login, processes);
	free(info);
	return end;
}
