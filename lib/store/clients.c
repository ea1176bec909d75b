/* SPDX-License-Identifier: MIT */
/* clients.c - reads who the gateways are. It judges no certificate, beyond that it is one. */
#include "store/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define FILE_MOST  ((size_t)256 * 1024)
#define CERTS_MOST 8 /* of one gateway */

struct client {
	uint8_t fingerprint[DLK_SHA256_SIZE];
	char name[DLK_CLIENT_NAME_MAX + 1];
};

struct dlk_clients {
	struct client *client; /* sorted by fingerprint once all are there */
	size_t n;
	int (*each)(const char *name, const struct dlk_cert *cert, void *arg); /* or NULL */
	void *arg;
};

static int
wrong(struct dlk_finding *finding, const char *dir, const char *file, const char *why)
{
	(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%.300s%s%.100s: %.80s",
	    dir, file[0] ? "/" : "", file, why);
	return -EINVAL;
}

static int
by_fingerprint(const void *a, const void *b)
{
	const struct client *x = a, *y = b;

	return memcmp(x->fingerprint, y->fingerprint, sizeof(x->fingerprint));
}

static int
add(struct dlk_clients *clients, const char *name, const struct dlk_cert *cert)
{
	struct client *more = reallocarray(clients->client, clients->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	clients->client = more;
	more += clients->n++;
	memcpy(more->fingerprint, dlk_cert_fingerprint(cert), sizeof(more->fingerprint));
	dlk_text_print(more->name, sizeof(more->name), "%s", name);
	return 0;
}

/* The name without ".pem". */
static bool
name_of(const char *file, char *name, size_t size)
{
	size_t n = strlen(file) - strlen(".pem");

	if (n == 0 || n >= size)
		return false;
	memcpy(name, file, n);
	name[n] = '\0';
	return dlk_text_is_name(name) && !strchr(name, ',');
}

static int
read_one(struct dlk_clients *clients, int fd, const char *dir, const char *file,
    struct dlk_finding *finding)
{
	char name[DLK_CLIENT_NAME_MAX + 1];
	struct dlk_finding why = { 0 };
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_BUF content = { 0 };

	if (!name_of(file, name, sizeof(name)))
		return wrong(
		    finding, dir, file, "a name is printable, without space or comma");
	int r = dlk_fd_read(fd, FILE_MOST, &content);
	if (r == 0)
		r = dlk_certs_parse_file(dlk_bytes_of(&content), CERTS_MOST, &certs, &why);
	if (r < 0)
		return wrong(finding, dir, file, dlk_file_error(r));
	if (r > 0 || certs.n == 0)
		return wrong(finding, dir, file, why.detail);
	for (size_t i = 0; i < certs.n && r == 0; i++) {
		r = add(clients, name, certs.cert[i]);
		if (r == 0 && clients->each)
			r = clients->each(name, certs.cert[i], clients->arg);
	}
	return r;
}

static int
read_all(struct dlk_clients *clients, int fd, const char *dir, const struct dlk_care *care,
    struct dlk_finding *finding)
{
	static const char *const suffixes[] = { ".pem", NULL };
	char **names = NULL;
	size_t n = 0;
	int r = dlk_dir_list(fd, suffixes, DLK_CLIENTS_MAX, &names, &n);

	if (r < 0)
		return wrong(finding, dir, "", dlk_file_error(r));
	for (size_t i = 0; i < n && r == 0; i++) {
		DLK_AUTO_FD file = -1;
		r = dlk_file_open_at(fd, names[i], care, &file);
		r = r < 0 ? wrong(finding, dir, names[i], dlk_file_error(r))
			  : read_one(clients, file, dir, names[i], finding);
	}
	dlk_names_free(names, n);
	return r;
}

/* A gateway under two names would have the rights of both. */
static int
sort(struct dlk_clients *clients, const char *dir, struct dlk_finding *finding)
{
	if (clients->n > 0)
		qsort(clients->client, clients->n, sizeof(*clients->client), by_fingerprint);
	for (size_t i = 1; i < clients->n; i++) {
		const struct client *one = &clients->client[i - 1], *other = one + 1;

		if (by_fingerprint(one, other) != 0 || strcmp(one->name, other->name) == 0)
			continue;
		(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG,
		    "%.200s: %.100s.pem and %.100s.pem have the same certificate", dir,
		    one->name, other->name);
		return -EINVAL;
	}
	return 0;
}

int
dlk_clients_load(const char *dir, const struct dlk_care *care,
    struct dlk_clients **ret_clients, struct dlk_finding *finding)
{
	return dlk_clients_load_each(dir, care, NULL, NULL, ret_clients, finding);
}

int
dlk_clients_load_each(const char *dir, const struct dlk_care *care,
    int (*each)(const char *name, const struct dlk_cert *cert, void *arg), void *arg,
    struct dlk_clients **ret_clients, struct dlk_finding *finding)
{
	struct dlk_clients *clients = calloc(1, sizeof(*clients));
	DLK_AUTO_FD fd = -1;
	int r = clients ? dlk_dir_open(dir, care, &fd) : -ENOMEM;

	if (clients) {
		clients->each = each;
		clients->arg = arg;
	}
	if (r < 0)
		(void)wrong(finding, dir, "", dlk_file_error(r));
	if (r == 0)
		r = read_all(clients, fd, dir, care, finding);
	if (r == 0)
		r = sort(clients, dir, finding);
	if (r < 0) {
		dlk_clients_free(clients);
		return r;
	}
	*ret_clients = clients;
	return 0;
}

void
dlk_clients_free(struct dlk_clients *clients)
{
	if (!clients)
		return;
	free(clients->client);
	free(clients);
}

const char *
dlk_clients_find(const struct dlk_clients *clients, const uint8_t fingerprint[DLK_SHA256_SIZE])
{
	struct client wanted = { .name = "" };

	memcpy(wanted.fingerprint, fingerprint, sizeof(wanted.fingerprint));
	const struct client *found = clients->n > 0
					 ? bsearch(&wanted, clients->client, clients->n,
					       sizeof(*clients->client), by_fingerprint)
					 : NULL;
	return found ? found->name : NULL;
}

bool
dlk_clients_know(const struct dlk_clients *clients, const char *name)
{
	for (size_t i = 0; i < clients->n; i++)
		if (strcmp(clients->client[i].name, name) == 0)
			return true;
	return false;
}
