/* SPDX-License-Identifier: MIT */
/*
 * sync DIRECTORY OCTETS TIMES: what it costs there to have so many octets on disk, as the
 * record has its log: written, then fdatasync(2). Median in milliseconds.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 10000

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	static int64_t took[MOST];
	size_t n = argc == 4 ? (size_t)atol(argv[2]) : 0;
	int times = argc == 4 ? atoi(argv[3]) : 0;

	if (n == 0 || times < 1 || times > MOST || chdir(argv[1]) < 0)
		return 2;
	uint8_t *octets = calloc(1, n);
	int fd = open("sync.tmp", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!octets || fd < 0 || unlink("sync.tmp") < 0)
		return 1;
	/* the log is written over and over, in its place */
	for (int i = -10; i < times; i++) {
		int64_t began = now_ns();
		if (pwrite(fd, octets, n, (i + 10) % 10 * (off_t)n) != (ssize_t)n ||
		    fdatasync(fd) < 0)
			return 1;
		if (i >= 0)
			took[i] = now_ns() - began;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	qsort(took, (size_t)times, sizeof(took[0]), by_size);
	printf("%.3f\n", (double)took[times / 2] / 1e6);
	return 0;
}
