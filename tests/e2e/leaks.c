/* SPDX-License-Identifier: MIT */
/*
 * leaks.c - for programs into which ASan is loaded by /etc/ld.so.preload: what sudo, su and a
 * shell do not free is theirs; our own are looked at. ASan asks whoever comes first, so that
 * this has to, and it not.
 */
#include <string.h>
#include <sys/auxv.h>

__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	const char *program = (const char *)getauxval(AT_EXECFN);
	const char *name = program ? strrchr(program, '/') : NULL;

	return name && strncmp(name, "/doublelock", strlen("/doublelock")) == 0
		   ? "verify_asan_link_order=0"
		   : "verify_asan_link_order=0:detect_leaks=0";
}
