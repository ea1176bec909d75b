/* SPDX-License-Identifier: MIT */
/* calls.c - the list of calls that nothing of ours makes once it has begun to work. What may
 * be opened is not known here. */
#include "agent/calls.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/socket.h>

#include <seccomp.h>

/* Programs, other processes, namespaces, and the interfaces of the kernel by which others
 * were broken. io_uring makes sockets without a call that could be looked at. */
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

static void
release(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

/* Of sockets those of this machine are left: a wider number than an int is none of these. Of
 * clone threads and children, but no user namespace; clone3 hides what it is asked for, and
 * the C library does without it. */
static int
forbid_some(scmp_filter_ctx filter)
{
#ifdef __s390x__
	const unsigned flags = 1;
#else
	const unsigned flags = 0;
#endif
	const struct scmp_arg_cmp others = { .arg = 0, .op = SCMP_CMP_NE, .datum_a = AF_UNIX };
	const struct scmp_arg_cmp users = { .arg = flags,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = CLONE_NEWUSER,
		.datum_b = CLONE_NEWUSER };
	int r = seccomp_rule_add_array(
	    filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, &others);

	if (r == 0)
		r = seccomp_rule_add_array(
		    filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair), 1, &others);
	if (r == 0)
		r = seccomp_rule_add_array(
		    filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &users);
	if (r == 0)
		r = seccomp_rule_add_array(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
	return r;
}

int
dlk_calls_forbid(void)
{
	__attribute__((cleanup(release))) scmp_filter_ctx filter =
	    seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(never) / sizeof(never[0]); i++)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), never[i], 0, NULL);
	if (r == 0)
		r = forbid_some(filter);
	if (r == 0)
		r = seccomp_load(filter); /* and no_new_privs before it */
	return r;
}
