/* SPDX-License-Identifier: MIT */
/* account.c - asks NSS, with as much room as its answer needs. */
#include "base/account.h"

#include <errno.h>
#include <pwd.h>

#include "base/text.h"

#define ROOM_MAX (1024 * 1024) /* octets of one entry */

/* By name, or where that is NULL by uid. Text of `entry` lies in `room`. An errno. */
static int
look_up(const char *name, uid_t uid, struct passwd *entry, struct dlk_buf *room,
    struct passwd **found)
{
	int error = ERANGE;

	for (size_t n = 4096; error == ERANGE && n <= ROOM_MAX; n *= 4) {
		if (dlk_buf_reserve(room, n) != 0)
			return ENOMEM;
		do
			error =
			    name ? getpwnam_r(name, entry, (char *)room->p, room->room, found)
				 : getpwuid_r(uid, entry, (char *)room->p, room->room, found);
		while (error == EINTR);
	}
	return error;
}

/* getpwnam(3): some sources say "not found" by these */
static int
not_found(int error)
{
	if (error == 0 || error == ESRCH || error == EBADF || error == EPERM)
		return -ENOENT;
	return -error;
}

int
dlk_account_find_group(
    const char *name, char *ret_name, size_t size, uid_t *ret_uid, gid_t *ret_gid)
{
	DLK_AUTO_BUF room = { 0 };
	struct passwd entry, *found = NULL;
	int error = look_up(name, 0, &entry, &room, &found);

	if (!found)
		return not_found(error);
	*ret_uid = entry.pw_uid;
	*ret_gid = entry.pw_gid;
	return dlk_text_copy(ret_name, size, entry.pw_name) ? 0 : -ENAMETOOLONG;
}

int
dlk_account_name(uid_t uid, char *ret_name, size_t size)
{
	DLK_AUTO_BUF room = { 0 };
	struct passwd entry, *found = NULL;
	int error = look_up(NULL, uid, &entry, &room, &found);

	if (!found)
		return not_found(error);
	return dlk_text_copy(ret_name, size, entry.pw_name) ? 0 : -ENAMETOOLONG;
}

int
dlk_account_find(const char *name, char *ret_name, size_t size, uid_t *ret_uid)
{
	gid_t unused;

	return dlk_account_find_group(name, ret_name, size, ret_uid, &unused);
}
