/* SPDX-License-Identifier: MIT */
/* confine.c - the calls that doublelock-prove makes, as a program for the kernel's filter.
 * Which octets they move is not known here. */
#include "prove/confine.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "landlock.h"
#include "sandbox.h"

/* Numbers of calls are those of one architecture. Where another one is added: its socket()
 * has to be a call of its own, and its lowest octets come first. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define OURS AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
#define OURS AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OURS AUDIT_ARCH_RISCV64
#else
#error "agent/prove/confine.c: which AUDIT_ARCH is this?"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define END(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define REFUSE      END(SECCOMP_RET_ERRNO | EPERM)
/* One instruction follows, for where it is so (or is not); else the one behind that. */
#define IF(value)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define IF_NOT(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0)
#define IF_ANY(bits)  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1)
/* `n` instructions are passed over where it is another call. */
#define UNLESS(call, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, (n))
#define ALLOW(call)     IF(SYS_##call), END(SECCOMP_RET_ALLOW)

static const struct sock_filter calls[] = {
	LOAD(arch),
	IF_NOT(OURS),
	END(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	/* the module, the SSH agent, the log */
	ALLOW(read),
	ALLOW(close),
	ALLOW(connect),
	ALLOW(getsockopt),
	ALLOW(sendto),
	ALLOW(recvfrom),
	ALLOW(ppoll),
#ifdef SYS_poll
	ALLOW(poll),
#endif
	/* the C library on its own account */
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(futex),
	ALLOW(getrandom),
	ALLOW(clock_gettime),
	ALLOW(getpid),
	ALLOW(getuid),
	ALLOW(rt_sigreturn),
	ALLOW(restart_syscall),
	ALLOW(exit),
	ALLOW(exit_group),
#ifdef __SANITIZE_ADDRESS__ /* its own, and to say what it found */
	ALLOW(sigaltstack),
	ALLOW(gettid),
	ALLOW(write),
#endif
	/* the kernel takes the lower half of these arguments and no more */
	UNLESS(socket, 4),
	LOAD(args[0]),
	IF(AF_UNIX),
	END(SECCOMP_RET_ALLOW),
	REFUSE,
	UNLESS(mmap, 4),
	LOAD(args[2]),
	IF_ANY(PROT_EXEC),
	REFUSE,
	END(SECCOMP_RET_ALLOW),
	REFUSE,
};

static int
allow_calls(void)
{
	struct sock_filter copy[sizeof(calls) / sizeof(*calls)];
	const struct sock_fprog program = { .len = sizeof(copy) / sizeof(*copy),
		.filter = copy };

	for (size_t i = 0; i < program.len; i++)
		copy[i] = calls[i];
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : -errno;
}

int
dlk_prove_confine(void)
{
	DLK_AUTO_LANDLOCK landlock = { .ruleset = -1 };

	tzset(); /* for the log, while the file can be read */
	int error = dlk_sandbox_harden();
	if (error == 0)
		error = dlk_landlock_open(true, &landlock);
	if (error == 0)
		error = dlk_landlock_enter(&landlock);
	return error ? error : allow_calls();
}
