/* SPDX-License-Identifier: MIT */
/*
 * privilege.c - what a command gives up before it reads what others wrote, and opens then.
 * Commands that write what is root's alone do that in a process of their own (root.c).
 */
#include "ctl.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/text.h"
#include "sandbox.h"

#define NOBODY 65534

static bool was_root; /* and has become somebody: nothing of theirs is believed for it */

static int
become_number(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return -errno;
	return setuid(0) == 0 || geteuid() != uid || getuid() != uid ? -EPERM : 0;
}

static int
become(bool nobody_will_do)
{
	if (geteuid() == 0) {
		was_root = true;
		int r = dlk_sandbox_become(DLK_USER);
		if (r == -ENOENT && nobody_will_do)
			r = become_number(NOBODY, NOBODY);
		if (r == -ENOENT)
			return ctl_fault("there is no user '%s' on this machine; the package "
					 "makes it, or: useradd --system --no-create-home "
					 "--shell /usr/sbin/nologin %s",
			    DLK_USER, DLK_USER);
		if (r < 0)
			return ctl_fault(
			    "cannot become user '%s': %s", DLK_USER, dlk_file_error(r));
	}
	int r = dlk_sandbox_harden();
	return r < 0 ? ctl_fault("cannot give up privileges: %s", dlk_file_error(r)) : CTL_YES;
}

int
ctl_become(void)
{
	return become(false);
}

int
ctl_become_nobody(void)
{
	return become(true);
}

uid_t
ctl_owner(void)
{
	const struct passwd *account = getpwnam(DLK_USER);

	return was_root || (account && account->pw_uid == geteuid()) ? 0 : geteuid();
}

/* Why there is no record, and what an operator without rights has to do about it. */
static int
no_record(const struct dlk_finding *trouble)
{
	bool denied = strstr(trouble->detail, strerror(EACCES)) != NULL;

	return ctl_fault("%s%s", trouble->detail,
	    denied ? "; run this as root (sudo), which becomes user '" DLK_USER "'" : "");
}

int
ctl_open(const char *config, unsigned parts, struct dlk_engine **ret_engine)
{
	DLK_AUTO_ENGINE *engine = NULL;
	struct dlk_finding finding = { 0 };

	int end = ctl_become();
	if (end != CTL_YES)
		return end;
	if (dlk_engine_open(
		config ? config : DLK_CONFIG_FILE, parts, ctl_owner(), &engine, &finding) < 0)
		return no_record(&finding);
	if ((parts & DLK_ENGINE_RECORD) && !dlk_engine_record(engine))
		return no_record(dlk_engine_trouble(engine));
	*ret_engine = engine;
	engine = NULL;
	return CTL_YES;
}

int
ctl_account(
    struct ctl_call *call, const char *name, char ret_user[DLK_NAME_MAX + 1], bool *ret_known)
{
	uid_t uid;

	if (!dlk_text_is_name(name) || !dlk_text_copy(ret_user, DLK_NAME_MAX + 1, name))
		return ctl_misused(call, "a name is printable and has no spaces");
	int r = dlk_account_find(name, ret_user, DLK_NAME_MAX + 1, &uid);
	*ret_known = r == 0;
	return r < 0 && r != -ENOENT
		   ? ctl_fault("the account database does not answer for '%s': %s", name,
			 dlk_file_error(r))
		   : CTL_YES;
}

void
ctl_actor(char *ret_actor)
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_UID") : NULL;
	int64_t uid = 0;

	dlk_text_print(ret_actor, CTL_ACTOR, "uid:%u", (unsigned)getuid());
	if (sudo && dlk_int_parse(sudo, 0, UINT32_MAX, &uid) == 0)
		dlk_text_print(ret_actor, CTL_ACTOR, "sudo:%lld", (long long)uid);
}
