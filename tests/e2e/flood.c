/* SPDX-License-Identifier: MIT */
/*
 * flood ADDRESS PORT: handshakes that lead nowhere, as fast as they go, from 127.0.1.0/24 and
 * each address in turn, until it is ended; besides, as many connections that say nothing as
 * the other side takes. Prints "going", and at the end how many were begun and answered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define THREADS 8
#define SILENT  400
#define GOING   300 /* handshakes, after which it says so */

static atomic_uint begun, answered, next_address;
static atomic_bool ending;
static struct sockaddr_in target = { .sin_family = AF_INET };

static void
end(int signal)
{
	(void)signal;
	ending = true;
}

static int
reach(unsigned host)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000100 | (host & 0xff)) };
	const struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(fd, (const struct sockaddr *)&target, sizeof(target)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void *
run(void *arg)
{
	SSL_CTX *context = arg;

	while (!ending) {
		int fd = reach(1 + next_address++ % 250);
		SSL *ssl = fd >= 0 ? SSL_new(context) : NULL;
		if (ssl && SSL_set_fd(ssl, fd) == 1) {
			if (++begun == GOING) {
				puts("going");
				(void)fflush(stdout);
			}
			answered += SSL_connect(ssl) == 1;
		}
		SSL_free(ssl);
		if (fd >= 0)
			close(fd);
		else
			(void)poll(NULL, 0, 10);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	pthread_t thread[THREADS];

	if (argc != 3 || !context || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1)
		return 2;
	target.sin_port = htons((uint16_t)atoi(argv[2]));
	(void)signal(SIGTERM, end);
	(void)signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < SILENT; i++)
		(void)reach(251 + i % 4); /* held until this process ends */
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, run, context) != 0)
			return 1;
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	SSL_CTX_free(context);
	printf("%u handshakes begun, %u answered\n", begun, answered);
	return 0;
}
