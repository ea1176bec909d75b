/* SPDX-License-Identifier: MIT */
/* stub.c - the other module of a stack: give=TEXT sets PAM_AUTHTOK, file=PATH writes it there
 * ("none" without one), return=N is its return code. */
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((visibility("default"))) int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const void *token = NULL;
	int code = PAM_SUCCESS;

	(void)flags;
	for (int i = 0; i < argc; i++) {
		const char *value = strchr(argv[i], '=') + 1;
		if (strncmp(argv[i], "give=", 5) == 0)
			pam_set_item(pamh, PAM_AUTHTOK, value);
		if (strncmp(argv[i], "return=", 7) == 0)
			code = atoi(value);
		if (strncmp(argv[i], "file=", 5) == 0) {
			FILE *out = fopen(value, "w");
			if (!out)
				return PAM_SYSTEM_ERR;
			pam_get_item(pamh, PAM_AUTHTOK, &token);
			fputs(token ? (const char *)token : "none", out);
			fclose(out);
		}
	}
	return code;
}

__attribute__((visibility("default"))) int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}
