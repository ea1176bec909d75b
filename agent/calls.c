/* SPDX-License-Identifier: MIT */
/* calls.c - the list, as a filter of the kernel's. What a process opens is not known here. */
#include "agent/calls.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <seccomp.h>

/* io_uring makes sockets without a call that could be looked at. */
static const int never[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(personality),
#ifndef __SANITIZE_ADDRESS__ /* looks for leaks by it */
	SCMP_SYS(ptrace),
#endif
};

/* Of whoever only goes outwards. */
static const int no_server[] = {
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
};

#define FAMILIES 17 /* those up to AF_NETLINK */

static void
release(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

static int
forbid_all(scmp_filter_ctx filter, const int *call, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call[i], 0, NULL);
	return r;
}

static int
forbid_family(scmp_filter_ctx filter, enum scmp_compare how, uint64_t family)
{
	const struct scmp_arg_cmp those = { .arg = 0, .op = how, .datum_a = family };
	int r =
	    seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, &those);

	return r ? r
		 : seccomp_rule_add_array(
		       filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair), 1, &those);
}

/* Which addresses this machine has, a resolver asks the kernel by AF_NETLINK. */
static bool
leads_outward(int family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	       family == AF_NETLINK;
}

/* A wider number than an int is none of those that are left. */
static int
forbid_families(scmp_filter_ctx filter, enum dlk_calls left)
{
	if (left == DLK_CALLS_LOCAL)
		return forbid_family(filter, SCMP_CMP_NE, AF_UNIX);
	int r = forbid_family(filter, SCMP_CMP_GE, FAMILIES);
	for (int family = 0; r == 0 && family < FAMILIES; family++)
		if (!leads_outward(family))
			r = forbid_family(filter, SCMP_CMP_EQ, (uint64_t)family);
	return r;
}

/* Of clone threads and children are left, but no user namespace; clone3 hides what it is asked
 * for, and the C library does without it. */
static int
forbid_namespaces(scmp_filter_ctx filter)
{
#ifdef __s390x__
	const unsigned flags = 1;
#else
	const unsigned flags = 0;
#endif
	const struct scmp_arg_cmp users = { .arg = flags,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = CLONE_NEWUSER,
		.datum_b = CLONE_NEWUSER };
	int r =
	    seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &users);

	return r ? r
		 : seccomp_rule_add_array(
		       filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
}

int
dlk_calls_forbid(enum dlk_calls left)
{
	__attribute__((cleanup(release))) scmp_filter_ctx filter =
	    seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	if (r == 0)
		r = forbid_all(filter, never, sizeof(never) / sizeof(never[0]));
	if (r == 0 && left == DLK_CALLS_OUTWARD)
		r = forbid_all(filter, no_server, sizeof(no_server) / sizeof(no_server[0]));
	if (r == 0)
		r = forbid_families(filter, left);
	if (r == 0)
		r = forbid_namespaces(filter);
	if (r == 0)
		r = seccomp_load(filter); /* and no_new_privs before it */
	return r;
}
