/* SPDX-License-Identifier: MIT */
/* ldapguard.c - a thread that looks at the clock while another one waits. The library says
 * when it has a socket and when it gives it up: a number that is used again is never shut
 * down. */
#include "agent/outward/ldapguard.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "wire/frame.h"

#define LOOK_MS 200

struct dlk_ldap_guard {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	ldap_conncb callbacks;
	bool (*stop)(void *ctx);
	void *ctx;
	/* under the lock */
	int fd; /* -1: none */
	int64_t until_ms;
	bool struck, over;
};

static int
connected(LDAP *ld, Sockbuf *sb, LDAPURLDesc *url, struct sockaddr *address,
    struct ldap_conncb *callbacks)
{
	struct dlk_ldap_guard *guard = callbacks->lc_arg;
	ber_socket_t fd = -1;

	(void)ld, (void)url, (void)address;
	if (ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &fd) != 1)
		return LDAP_LOCAL_ERROR;
	pthread_mutex_lock(&guard->lock);
	guard->fd = fd;
	pthread_mutex_unlock(&guard->lock);
	return LDAP_SUCCESS;
}

static void
closing(LDAP *ld, Sockbuf *sb, struct ldap_conncb *callbacks)
{
	struct dlk_ldap_guard *guard = callbacks->lc_arg;

	(void)ld, (void)sb;
	pthread_mutex_lock(&guard->lock);
	guard->fd = -1;
	pthread_mutex_unlock(&guard->lock);
}

static void
wait_a_little(struct dlk_ldap_guard *guard)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	(void)pthread_cond_timedwait(&guard->some, &guard->lock, &until);
}

static void *
run(void *arg)
{
	struct dlk_ldap_guard *guard = arg;

	pthread_mutex_lock(&guard->lock);
	while (!guard->over) {
		if (guard->fd >= 0 && (dlk_monotonic_ms() > guard->until_ms ||
					  (guard->stop && guard->stop(guard->ctx)))) {
			(void)shutdown(guard->fd, SHUT_RDWR);
			guard->struck = true;
			guard->fd = -1;
		}
		wait_a_little(guard);
	}
	pthread_mutex_unlock(&guard->lock);
	return NULL;
}

int
dlk_ldap_guard_new(bool (*stop)(void *ctx), void *ctx, struct dlk_ldap_guard **ret_guard)
{
	struct dlk_ldap_guard *guard = calloc(1, sizeof(*guard));
	pthread_condattr_t attributes;

	if (!guard)
		return -ENOMEM;
	guard->stop = stop;
	guard->ctx = ctx;
	guard->fd = -1;
	guard->until_ms = INT64_MAX;
	guard->callbacks = (ldap_conncb){ connected, closing, guard };
	pthread_mutex_init(&guard->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&guard->some, &attributes);
	pthread_condattr_destroy(&attributes);
	int r = -pthread_create(&guard->thread, NULL, run, guard);
	if (r < 0) {
		free(guard);
		return r;
	}
	*ret_guard = guard;
	return 0;
}

int
dlk_ldap_guard_watch(struct dlk_ldap_guard *guard, LDAP *ld)
{
	return ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &guard->callbacks) == 0
		   ? LDAP_SUCCESS
		   : LDAP_LOCAL_ERROR;
}

void
dlk_ldap_guard_until(struct dlk_ldap_guard *guard, int64_t until_ms)
{
	pthread_mutex_lock(&guard->lock);
	guard->until_ms = until_ms;
	pthread_mutex_unlock(&guard->lock);
}

bool
dlk_ldap_guard_struck(struct dlk_ldap_guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	bool struck = guard->struck;
	pthread_mutex_unlock(&guard->lock);
	return struck;
}

void
dlk_ldap_guard_free(struct dlk_ldap_guard *guard)
{
	if (!guard)
		return;
	pthread_mutex_lock(&guard->lock);
	guard->over = true;
	pthread_cond_signal(&guard->some);
	pthread_mutex_unlock(&guard->lock);
	pthread_join(guard->thread, NULL);
	pthread_cond_destroy(&guard->some);
	pthread_mutex_destroy(&guard->lock);
	free(guard);
}
