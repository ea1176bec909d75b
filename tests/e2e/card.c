/* SPDX-License-Identifier: MIT */
/*
 * card.c - SoftHSM as a PKCS #11 module with what it does not have: a PIN that can be locked,
 * a reader with keys, keys that ask each time, cards that are taken out. /run/card/part says
 * which; /run/card/tries counts wrong PINs and /run/card/logins every login, an 'x' for each.
 * Taken over by its card, it writes into /run/card/taken what it was able to do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define PIN "sesame-4321"

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

static CK_FUNCTION_LIST *real, ours;
static bool confirmed;

static bool
plays(const char *part)
{
	char text[32] = "";
	FILE *in = fopen("/run/card/part", "r");

	if (!in)
		return false;
	bool same = fgets(text, sizeof(text), in) && strncmp(text, part, strlen(part)) == 0;
	fclose(in);
	return same;
}

static void
count(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		_exit(9);
	close(fd);
}

static off_t
counted(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);
	off_t tries = counted("/run/card/tries");

	if (rv != CKR_OK)
		return rv;
	if (plays("reader"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (plays("change"))
		info->flags |= CKF_USER_PIN_TO_BE_CHANGED;
	if (plays("locks") && tries == 2)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (plays("locks") && tries > 2)
		info->flags |= CKF_USER_PIN_LOCKED;
	return CKR_OK;
}

static void
tell(FILE *out, const char *what, bool could)
{
	fprintf(out, "%s %s\n", what, could ? "done" : errno == EPERM ? "EPERM" : "failed");
}

static bool
makes(int domain, int type)
{
	int fd = socket(domain, type, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
do_harm(void)
{
	char *arguments[] = { (char[]){ "/bin/true" }, NULL };
	FILE *out = fopen("/run/card/taken", "we");

	if (!out)
		_exit(9);
	pid_t child = fork();
	if (child == 0) {
		execv(arguments[0], arguments);
		_exit(errno == EPERM ? 7 : 0);
	}
	int status = 0;
	bool waited = waitpid(child, &status, 0) == child;
	errno = WEXITSTATUS(status) == 7 ? EPERM : 0;
	tell(out, "exec", !waited || status == 0);
	tell(out, "ptrace", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
	tell(out, "inet", makes(AF_INET, SOCK_STREAM));
	tell(out, "inet6", makes(AF_INET6, SOCK_DGRAM));
	tell(out, "netlink", makes(AF_NETLINK, SOCK_RAW));
	tell(out, "io_uring", syscall(SYS_io_uring_setup, 4, NULL) >= 0);
	tell(out, "unshare", unshare(CLONE_NEWUSER) == 0);
	tell(out, "setuid", setuid(0) == 0);
	tell(out, "unix", makes(AF_UNIX, SOCK_STREAM));
	errno = 0;
	tell(out, "state", open("/var/lib/doublelock/state.db", O_RDONLY) >= 0);
	tell(out, "key", open("/etc/doublelock/seal.key", O_RDONLY) >= 0);
	fclose(out);
}

static CK_RV
login(CK_SESSION_HANDLE session, CK_USER_TYPE type, unsigned char *pin, CK_ULONG n)
{
	unsigned char typed[] = PIN;

	count("/run/card/logins");
	if (plays("gone"))
		return CKR_DEVICE_REMOVED;
	if (plays("taken"))
		do_harm();
	if (type == CKU_CONTEXT_SPECIFIC) {
		confirmed = n == strlen(PIN) && memcmp(pin, PIN, n) == 0;
		return confirmed ? CKR_OK : CKR_PIN_INCORRECT;
	}
	if (plays("reader") && pin)
		return CKR_PIN_INVALID;
	CK_RV rv = plays("reader") ? real->C_Login(session, type, typed, strlen(PIN))
				   : real->C_Login(session, type, pin, n);
	if (rv == CKR_PIN_INCORRECT)
		count("/run/card/tries");
	return rv;
}

static CK_RV
get_attributes(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute, CK_ULONG n)
{
	if (plays("always") && n == 1 && attribute->type == CKA_ALWAYS_AUTHENTICATE) {
		*(CK_BBOOL *)attribute->pValue = CK_TRUE;
		return CKR_OK;
	}
	CK_RV rv = real->C_GetAttributeValue(session, object, attribute, n);
	bool asks_for_length = n > 0 && !attribute[0].pValue;
	if (n > 0 && attribute[0].type == CKA_VALUE &&
	    ((plays("huge") && asks_for_length) || (plays("grows") && !asks_for_length)))
		attribute[0].ulValueLen = 0x7fffffff;
	if (n > 1 && plays("long") && attribute[1].type == CKA_ID)
		attribute[1].ulValueLen = 0x7fffffff;
	return rv;
}

static CK_RV
sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG n, unsigned char *signature,
    CK_ULONG *n_signature)
{
	if (plays("always") && !confirmed)
		return CKR_USER_NOT_LOGGED_IN;
	return real->C_Sign(session, data, n, signature, n_signature);
}

CK_RV __attribute__((visibility("default"))) C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
	void *library = dlopen(SOFTHSM, RTLD_NOW | RTLD_LOCAL);

	if (library)
		*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	ours = *real;
	ours.C_GetTokenInfo = get_token_info;
	ours.C_Login = login;
	ours.C_GetAttributeValue = get_attributes;
	ours.C_Sign = sign;
	*list = &ours;
	return CKR_OK;
}
