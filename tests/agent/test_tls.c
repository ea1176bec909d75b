/* SPDX-License-Identifier: MIT */
/* A whole agent by TLS: many connections while it reads its configuration again and again, and
 * sockets of TCP that somebody else has opened. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "agent/listen.h"
#include "tests/agent/site.h"

#define THREADS 4
#define RELOADS 40

static struct site site;
static EVP_PKEY *key;
static SSL_CTX *context;
static struct sockaddr_in at = { .sin_family = AF_INET };
static char where[64];

/* A port that was free a moment ago. */
static void
choose_port(void)
{
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	close(fd);
	snprintf(where, sizeof(where), "tls:127.0.0.1:%u", ntohs(at.sin_port));
}

static void
write_server(void)
{
	char path[128], pem[8192];

	snprintf(path, sizeof(path), "%s/fresh.key", site.dir);
	char *certificate = site_server_certificate(&site, path);
	site_write(&site, "agent.pem", certificate);
	free(certificate);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	pem[fread(pem, 1, sizeof(pem) - 1, file)] = '\0';
	assert_int_equal(fclose(file), 0);
	snprintf(path, sizeof(path), "%s/agent.key", site.dir);
	site_write_secret(&site, path, pem);
}

static void
write_client(void)
{
	char *pem = site_certificate_for(&site, key, "edge1", 24);
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *x509 = PEM_read_bio_X509(in, NULL, NULL, NULL);

	site_make_directory(&site, "clients");
	site_write(&site, "clients/edge1.pem", pem);
	assert_int_equal(SSL_CTX_use_certificate(context, x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(x509);
	BIO_free(in);
	free(pem);
}

static void
configure(void)
{
	char more[512];

	snprintf(more, sizeof(more),
	    "[service far]\ncertificate = gateway\notp = none\nvouch = tls:edge1\n"
	    "[agent]\nlisten = %s\ntls-certificate = %s/agent.pem\ntls-key = %s/agent.key\n"
	    "clients = %s/clients\n",
	    where, site.dir, site.dir, site.dir);
	site_configure(&site, more);
}

static int
set_up(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	context = SSL_CTX_new(TLS_client_method());
	assert_true(key && context);
	site_init(&site);
	choose_port();
	write_server();
	write_client();
	configure();
	site_start(&site);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	site_fini(&site);
	SSL_CTX_free(context);
	EVP_PKEY_free(key);
	return 0;
}

static SSL *
reach(void)
{
	const struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(context);

	if (fd >= 0 && ssl &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && SSL_set_fd(ssl, fd) == 1 &&
	    SSL_connect(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void
leave(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* One request and the head of its answer, which has no body. */
static int
ask(SSL *ssl, const char *path)
{
	char text[4096];
	size_t n = 0;
	int status = 0;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	if (SSL_write(ssl, text, (int)strlen(text)) <= 0)
		return 0;
	do {
		int got = SSL_read(ssl, text + n, (int)(sizeof(text) - 1 - n));
		if (got <= 0)
			return 0;
		n += (size_t)got;
		text[n] = '\0';
	} while (!strstr(text, "\r\n\r\n"));
	(void)sscanf(text, "HTTP/1.1 %d", &status);
	return status;
}

static atomic_bool ending;
static atomic_uint answers, wrong;

/* No certificate is shown, so 401 it is: for a gateway that is believed. */
static void *
go_on_asking(void *arg)
{
	(void)arg;
	while (!ending) {
		SSL *ssl = reach();
		for (int i = 0; ssl && i < 500 && !ending; i++) {
			int status = ask(ssl, "/v1/auth/nginx/far");
			answers++;
			if (status != 401)
				wrong++;
		}
		if (ssl)
			leave(ssl);
		else
			wrong++;
	}
	return NULL;
}

static void
reading_it_again_loses_nothing(void **state)
{
	pthread_t thread[THREADS];
	SSL *open = reach();

	(void)state;
	assert_non_null(open);
	assert_int_equal(ask(open, "/v1/auth/nginx/far"), 401);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, go_on_asking, NULL), 0);
	for (int i = 0; i < RELOADS; i++) {
		unsigned before = answers;
		if (i % 8 == 0)
			write_server();
		assert_int_equal(kill(site.agent, SIGHUP), 0);
		for (int tries = 0; answers < before + 40 && tries < 20000; tries++)
			(void)usleep(1000);
		assert_true(answers >= before + 40);
	}
	ending = true;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(wrong, 0);
	assert_int_equal(ask(open, "/v1/auth/nginx/far"), 401);
	assert_int_equal(ask(open, "/v1/auth/nginx/web"), 403); /* vouch has a uid alone */
	leave(open);
}

static int
opened_by_another(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* ListenStream=ADDRESS:PORT: what the configuration names, and nothing else. */
static void
a_socket_of_tcp_is_taken_over(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct dlk_listeners all = { 0 };
	struct dlk_finding finding;
	socklen_t n = sizeof(any);
	char text[64], *texts[] = { text };
	const struct dlk_strings strings = { texts, 1 };

	(void)state;
	int fd = opened_by_another(&any);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &n), 0);
	all.fd[0] = fd;
	all.speech[0] = DLK_SPEECH_TLS;
	all.n = 1;
	snprintf(text, sizeof(text), "tls:127.0.0.1:%u", ntohs(any.sin_port));
	assert_int_equal(dlk_listen_open(&strings, &all, &finding), 0);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.fd[0], fd);
	snprintf(text, sizeof(text), "tls:127.0.0.2:%u", ntohs(any.sin_port));
	assert_int_equal(dlk_listen_open(&strings, &all, &finding), -EINVAL);
	assert_non_null(strstr(finding.detail, "there is no listen=tls:"));
	assert_int_equal(all.n, 1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_it_again_loses_nothing),
		cmocka_unit_test(a_socket_of_tcp_is_taken_over),
	};
	return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}
