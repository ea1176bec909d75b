/* SPDX-License-Identifier: MIT */
/*
 * receiver.c - the other end of the webhook, for the demo and the tests: listens on loopback,
 * believes nothing that is not signed (Standard Webhooks 1.0, checked here by OpenSSL alone),
 * and appends each event as a line to a file before it says 204.
 *
 *   receiver --secret FILE --out FILE [--port N] [--fail N] [--certificate FILE --key FILE]
 *
 * Says "listening on PORT" when it is ready. --fail: the first N requests get a 500.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>

#define TOLERANCE 300 /* seconds between their clock and ours */
#define KEYS_MAX  4

struct key {
	unsigned char octets[256];
	int n;
};

struct receiver {
	struct key key[KEYS_MAX];
	size_t n_keys;
	int out;
	long fail;
	SSL_CTX *tls;
};

static void
die(const char *what)
{
	(void)fprintf(stderr, "receiver: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
add_key(struct receiver *r, const char *line)
{
	struct key *key = &r->key[r->n_keys++];
	size_t n = strlen(line);

	if (strncmp(line, "whsec_", 6) != 0) {
		key->n = (int)(n < sizeof(key->octets) ? n : sizeof(key->octets));
		memcpy(key->octets, line, (size_t)key->n);
		return;
	}
	key->n = EVP_DecodeBlock(key->octets, (const unsigned char *)line + 6, (int)n - 6);
	for (size_t i = n; i > 0 && line[i - 1] == '='; i--)
		key->n--;
}

static void
read_secret(struct receiver *r, const char *path)
{
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		die(path);
	while (r->n_keys < KEYS_MAX && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '\0')
			add_key(r, line);
	}
	(void)fclose(file);
}

/* The header has signatures "v1,BASE64" with spaces between; one of them has to be ours. */
static int
is_signed(const struct receiver *r, const char *id, const char *time, const char *signatures,
    const char *body, size_t n)
{
	unsigned char mac[EVP_MAX_MD_SIZE], text[64] = "v1,";
	char *message = malloc(strlen(id) + strlen(time) + n + 3);
	unsigned mac_n = 0;
	int found = 0;

	if (!message)
		die("memory");
	size_t head = (size_t)sprintf(message, "%s.%s.", id, time);
	memcpy(message + head, body, n);
	for (size_t i = 0; i < r->n_keys && !found; i++) {
		HMAC(EVP_sha256(), r->key[i].octets, r->key[i].n, (unsigned char *)message,
		    head + n, mac, &mac_n);
		EVP_EncodeBlock(text + 3, mac, (int)mac_n);
		for (const char *at = signatures; at && !found; at = strchr(at, ' ')) {
			at += *at == ' ';
			size_t length = strlen((char *)text);
			found = strncmp(at, (char *)text, length) == 0 &&
				(at[length] == '\0' || at[length] == ' ');
		}
	}
	free(message);
	return found;
}

static const char *
header(struct evhttp_request *request, const char *name)
{
	const char *value =
	    evhttp_find_header(evhttp_request_get_input_headers(request), name);

	return value ? value : "";
}

/* Why not, or NULL. */
static const char *
refuse(const struct receiver *r, struct evhttp_request *request, const char *body, size_t n)
{
	const char *stamp = header(request, "webhook-timestamp");
	long long sent = atoll(stamp), now = (long long)time(NULL);

	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST)
		return "no POST";
	if (strncmp(header(request, "Content-Type"), "application/cloudevents+json", 28) != 0)
		return "no CloudEvent";
	if (sent < now - TOLERANCE || sent > now + TOLERANCE)
		return "its time is not now";
	if (!is_signed(r, header(request, "webhook-id"), stamp,
		header(request, "webhook-signature"), body, n))
		return "its signature is wrong";
	if (memchr(body, '\n', n))
		return "more than one line";
	return NULL;
}

static void
keep(const struct receiver *r, const char *body, size_t n)
{
	if (write(r->out, body, n) != (ssize_t)n || write(r->out, "\n", 1) != 1 ||
	    (fdatasync(r->out) < 0 && errno != EINVAL))
		die("write");
}

static void
arrived(struct evhttp_request *request, void *arg)
{
	struct receiver *r = arg;
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	size_t n = evbuffer_get_length(input);
	const char *body = n ? (const char *)evbuffer_pullup(input, -1) : "";

	if (r->fail > 0) {
		r->fail--;
		(void)fprintf(stderr, "500 %s\n", header(request, "webhook-id"));
		evhttp_send_reply(request, 500, "Not now", NULL);
		return;
	}
	const char *why = refuse(r, request, body, n);
	if (why) {
		(void)fprintf(stderr, "401 %s: %s\n", header(request, "webhook-id"), why);
		evhttp_send_reply(request, 401, "Not signed", NULL);
		return;
	}
	keep(r, body, n);
	(void)fprintf(stderr, "204 %s\n", header(request, "webhook-id"));
	evhttp_send_reply(request, 204, "Kept", NULL);
}

static struct bufferevent *
over_tls(struct event_base *base, void *arg)
{
	const struct receiver *r = arg;

	return bufferevent_openssl_socket_new(
	    base, -1, SSL_new(r->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static SSL_CTX *
tls(const char *certificate, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die(certificate);
	return ctx;
}

static int
listen_on(struct evhttp *http, long port)
{
	struct evhttp_bound_socket *bound =
	    evhttp_bind_socket_with_handle(http, "127.0.0.1", (ev_uint16_t)port);
	struct sockaddr_in address;
	socklen_t n = sizeof(address);

	if (!bound || getsockname(evhttp_bound_socket_get_fd(bound),
			  (struct sockaddr *)&address, &n) < 0)
		die("listen");
	return ntohs(address.sin_port);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "secret", required_argument, NULL, 's' },
		{ "out", required_argument, NULL, 'o' },
		{ "port", required_argument, NULL, 'p' },
		{ "fail", required_argument, NULL, 'f' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' }, { 0 } };
	struct receiver r = { .out = -1 };
	const char *certificate = NULL, *key = NULL;
	long port = 0;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 's')
			read_secret(&r, optarg);
		else if (c == 'o')
			r.out = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		else if (c == 'p')
			port = atol(optarg);
		else if (c == 'f')
			r.fail = atol(optarg);
		else if (c == 'c')
			certificate = optarg;
		else if (c == 'k')
			key = optarg;
		else
			return 2;
	}
	if (r.out < 0 || r.n_keys == 0 || optind != argc)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	if (!http)
		die("libevent");
	if (certificate && key) {
		r.tls = tls(certificate, key);
		evhttp_set_bevcb(http, over_tls, &r);
	}
	evhttp_set_gencb(http, arrived, &r);
	(void)printf("listening on %d\n", listen_on(http, port));
	(void)fflush(stdout);
	return event_base_dispatch(base) < 0;
}
