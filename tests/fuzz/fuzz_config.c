/* SPDX-License-Identifier: MIT */
/* Any octets as a configuration file: settings or one line that says why not. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_FD fd = memfd_create("config", MFD_CLOEXEC);
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (dlk_settings_load(path, NULL, &settings, &finding) == 0)
		dlk_settings_free(settings);
	else if (finding.reason != DLK_R_FAULT_CONFIG || !finding.detail[0])
		abort();
	return 0;
}
