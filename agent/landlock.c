/* SPDX-License-Identifier: MIT */
/*
 * landlock.c - rulesets of the kernel. It knows no path and no reason; what a judge needs is
 * in confine.c. The numbers are of the kernel's interface, so that it builds with headers
 * that are older than the kernel it will run on.
 */
#include "agent/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define VERSION_ONLY UINT32_C(1)
#define PATH_BENEATH 1

/* struct landlock_ruleset_attr; a kernel that knows less wants the rest to be zero */
struct ruleset {
	uint64_t files, tcp, scoped;
};
/* struct landlock_path_beneath_attr */
struct beneath {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

#define BIT(n)     (UINT64_C(1) << (n))
#define EXECUTE    BIT(0)
#define WRITE_FILE BIT(1)
#define READ_FILE  BIT(2)
#define READ_DIR   BIT(3)
#define CHANGE_DIR                                                                            \
	(BIT(4) | BIT(5) | BIT(7) | BIT(8) | BIT(9))       /* remove; make dir, file, socket */
#define MAKE_OTHERS (BIT(6) | BIT(10) | BIT(11) | BIT(12)) /* devices, fifos, links */
#define REFER       BIT(13)                                /* second version */
#define TRUNCATE    BIT(14)                                /* third */
#define IOCTL_DEV   BIT(15)                                /* fifth */
#define TCP         (BIT(0) | BIT(1))                      /* fourth: bind, connect */
#define SCOPED      (BIT(0) | BIT(1)) /* sixth: abstract sockets, signals */

#define READS    (READ_FILE | READ_DIR)
#define OF_FILES (READ_FILE | WRITE_FILE | TRUNCATE)

static uint64_t
known(int abi)
{
	uint64_t rights = EXECUTE | WRITE_FILE | READS | CHANGE_DIR | MAKE_OTHERS;

	if (abi >= 2)
		rights |= REFER;
	if (abi >= 3)
		rights |= TRUNCATE;
	if (abi >= 5)
		rights |= IOCTL_DEV;
	return rights;
}

/* The last by containers that know no newer call than their year's. */
static int
find_version(int *ret_abi)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_ONLY);

	if (abi < 0 && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
		return -errno;
	*ret_abi = abi > 0 ? (int)abi : 0;
	return 0;
}

static int
create(struct dlk_landlock *landlock, bool files, bool tcp, bool scoped)
{
	int abi = landlock->abi;
	const struct ruleset taken = {
		.files = files ? known(abi) & ~(landlock->reads ? 0 : READS) : 0,
		.tcp = tcp && abi >= 4 ? TCP : 0,
		.scoped = scoped && abi >= 6 ? SCOPED : 0,
	};

	if (taken.files == 0 && taken.tcp == 0)
		return 0;
	long fd = syscall(SYS_landlock_create_ruleset, &taken, sizeof(taken), 0);
	if (fd < 0)
		return -errno;
	landlock->ruleset = (int)fd;
	return 0;
}

static int
open_ruleset(bool reads, bool tcp, struct dlk_landlock *ret_landlock)
{
	struct dlk_landlock landlock = { .ruleset = -1, .reads = reads };
	int r = find_version(&landlock.abi);

	if (r == 0 && landlock.abi > 0)
		r = create(&landlock, true, tcp, true);
	if (r == 0)
		*ret_landlock = landlock;
	return r;
}

int
dlk_landlock_open(bool reads, struct dlk_landlock *ret_landlock)
{
	return open_ruleset(reads, true, ret_landlock);
}

int
dlk_landlock_open_outward(struct dlk_landlock *ret_landlock)
{
	return open_ruleset(true, false, ret_landlock);
}

int
dlk_landlock_forbid_tcp(void)
{
	DLK_AUTO_LANDLOCK landlock = { .ruleset = -1 };
	int r = find_version(&landlock.abi);

	if (r == 0)
		r = create(&landlock, false, true, false);
	return r ? r : dlk_landlock_enter(&landlock);
}

static int
allow_fd(const struct dlk_landlock *landlock, int fd, enum dlk_landlock_right right)
{
	struct beneath rule = { .rights = landlock->reads ? READS : 0, .fd = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (right == DLK_LANDLOCK_WRITE)
		rule.rights |= WRITE_FILE | CHANGE_DIR | TRUNCATE;
	if (!S_ISDIR(st.st_mode))
		rule.rights &= OF_FILES;
	rule.rights &= known(landlock->abi);
	if (rule.rights == 0)
		return 0;
	return syscall(SYS_landlock_add_rule, landlock->ruleset, PATH_BENEATH, &rule, 0) == 0
		   ? 0
		   : -errno;
}

/* Whether a path leads anywhere the opening of the file itself will say. */
static int
allow_at(const struct dlk_landlock *landlock, int dir, const char *path,
    enum dlk_landlock_right right)
{
	DLK_AUTO_FD fd = openat(dir, path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -errno : 0;
	return allow_fd(landlock, fd, right);
}

int
dlk_landlock_allow(
    const struct dlk_landlock *landlock, const char *path, enum dlk_landlock_right right)
{
	return landlock->ruleset < 0 ? 0 : allow_at(landlock, AT_FDCWD, path, right);
}

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int
dlk_landlock_allow_links(const struct dlk_landlock *landlock, const char *directory)
{
	if (landlock->ruleset < 0)
		return 0;
	__attribute__((cleanup(close_dir))) DIR *dir = opendir(directory);
	if (!dir)
		return 0; /* a file, or nothing */
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
			continue;
		int r = allow_at(landlock, dirfd(dir), entry->d_name, DLK_LANDLOCK_READ);
		if (r < 0)
			return r;
	}
	return 0;
}

int
dlk_landlock_enter(const struct dlk_landlock *landlock)
{
	if (landlock->ruleset < 0)
		return 0;
	return syscall(SYS_landlock_restrict_self, landlock->ruleset, 0) == 0 ? 0 : -errno;
}

void
dlk_landlock_fini(struct dlk_landlock *landlock)
{
	dlk_fd_close(&landlock->ruleset);
}
