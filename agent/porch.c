/* SPDX-License-Identifier: MIT */
/*
 * porch.c - accepts, and asks the kernel who that is. How many may come in is for those who
 * take them; it reads no octet.
 */
#include "agent/porch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "base/say.h"

struct dlk_porch {
	struct event_base *base;
	const char *name;
	dlk_porch_come *come;
	void *arg;
	struct evconnlistener *listener[DLK_LISTEN_MAX];
	size_t n_listeners;
	struct event *retry; /* listens again after descriptors ran out */
};

static void
accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int n,
    void *arg)
{
	const struct dlk_porch *porch = arg;
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);

	(void)listener, (void)address, (void)n;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid == (uid_t)-1)
		close(fd);
	else
		porch->come(porch->arg, fd, &peer);
}

static void
listen_again(evutil_socket_t fd, short what, void *arg)
{
	struct dlk_porch *porch = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < porch->n_listeners; i++)
		(void)evconnlistener_enable(porch->listener[i]);
}

/* No descriptor is left: later, instead of a loop that spins. */
static void
no_descriptor(struct evconnlistener *listener, void *arg)
{
	struct dlk_porch *porch = arg;

	dlk_say(DLK_WARNING, "%s: %s", porch->name, dlk_file_error(errno));
	(void)evconnlistener_disable(listener);
	(void)event_add(porch->retry, &(struct timeval){ .tv_sec = 1 });
}

int
dlk_porch_new(struct event_base *base, const char *name, dlk_porch_come *come, void *arg,
    struct dlk_porch **ret_porch)
{
	struct dlk_porch *porch = calloc(1, sizeof(*porch));

	if (!porch)
		return -ENOMEM;
	*porch = (struct dlk_porch){ .base = base, .name = name, .come = come, .arg = arg };
	porch->retry = event_new(base, -1, 0, listen_again, porch);
	if (!porch->retry) {
		free(porch);
		return -ENOMEM;
	}
	*ret_porch = porch;
	return 0;
}

int
dlk_porch_listen(struct dlk_porch *porch, int fd)
{
	struct evconnlistener *listener = NULL;

	if (porch->n_listeners < DLK_LISTEN_MAX)
		listener = evconnlistener_new(porch->base, accepted, porch,
		    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, no_descriptor);
	porch->listener[porch->n_listeners++] = listener;
	return 0;
}

void
dlk_porch_stop_listening(struct dlk_porch *porch)
{
	(void)event_del(porch->retry);
	for (size_t i = 0; i < porch->n_listeners; i++)
		(void)evconnlistener_disable(porch->listener[i]);
}

void
dlk_porch_free(struct dlk_porch *porch)
{
	if (!porch)
		return;
	for (size_t i = 0; i < porch->n_listeners; i++)
		evconnlistener_free(porch->listener[i]);
	event_free(porch->retry);
	free(porch);
}
