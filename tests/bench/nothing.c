/* SPDX-License-Identifier: MIT */
/*
 * nothing.c - a plugin of OpenVPN's that lets everybody in, to have what a plugin costs that
 * does nothing. With the argument "deferred" the answer comes from a thread, at once.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvpn/openvpn-plugin.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int
openvpn_plugin_min_version_required_v1(void)
{
	return 3;
}

EXPORT int
openvpn_plugin_open_v3(const int version, struct openvpn_plugin_args_open_in const *in,
    struct openvpn_plugin_args_open_return *out)
{
	static char deferred, now;

	(void)version;
	out->type_mask = OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_TLS_VERIFY) |
			 OPENVPN_PLUGIN_MASK(OPENVPN_PLUGIN_AUTH_USER_PASS_VERIFY);
	out->handle = in->argv[1] && strcmp(in->argv[1], "deferred") == 0 ? &deferred : NULL;
	if (!out->handle)
		out->handle = &now;
	now = 1;
	return OPENVPN_PLUGIN_FUNC_SUCCESS;
}

static void *
answer(void *file)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1", 1) == 1)
		(void)close(fd);
	free(file);
	return NULL;
}

static int
defer(const char *const *envp)
{
	static const char name[] = "auth_control_file=";
	pthread_t thread;

	for (; *envp; envp++) {
		if (strncmp(*envp, name, strlen(name)) != 0)
			continue;
		char *file = strdup(*envp + strlen(name));
		if (file && pthread_create(&thread, NULL, answer, file) == 0)
			return pthread_detach(thread), OPENVPN_PLUGIN_FUNC_DEFERRED;
		free(file);
	}
	return OPENVPN_PLUGIN_FUNC_ERROR;
}

EXPORT int
openvpn_plugin_func_v3(const int version, struct openvpn_plugin_args_func_in const *in,
    struct openvpn_plugin_args_func_return *out)
{
	(void)version, (void)out;
	if (in->type == OPENVPN_PLUGIN_TLS_VERIFY || *(const char *)in->handle)
		return OPENVPN_PLUGIN_FUNC_SUCCESS;
	return defer((const char *const *)in->envp);
}

EXPORT void
openvpn_plugin_close_v1(openvpn_plugin_handle_t handle)
{
	(void)handle;
}
