/* SPDX-License-Identifier: MIT */
/*
 * stub.c - the cheapest authoriser that there can be: yes to everybody, after no thought.
 *
 *   stub SOCKET
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

static void
allow(struct evhttp_request *request, void *arg)
{
	(void)arg;
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", "0");
	evhttp_send_reply(request, 200, "OK", NULL);
}

static int
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0666) < 0 || listen(fd, 128) < 0)
		return -1;
	return fd;
}

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	int fd = argc == 2 && http ? listen_at(argv[1]) : -1;

	if (fd < 0 || evhttp_accept_socket(http, fd) < 0) {
		fputs("usage: stub SOCKET\n", stderr);
		return 2;
	}
	evhttp_set_default_content_type(http, NULL);
	evhttp_set_gencb(http, allow, NULL);
	return event_base_dispatch(base) < 0;
}
