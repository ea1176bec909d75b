/* SPDX-License-Identifier: MIT */
/* keys.c - doublelock-keys: `doublelock ssh-keys` where no agent answers, with the libraries
 * of a judge alone, because to load those of all commands takes longer than to judge a key. */
#include "ctl.h"

#include <openssl/crypto.h>

#include "base/say.h"

int
main(int argc, char **argv)
{
	struct ctl_call call = {
		.subject = &ctl_ssh_keys, .argc = argc - 2, .argv = argv + 2
	};

	dlk_say_to_stderr("doublelock");
	if (argc < 2)
		return ctl_misused(&call, NULL);
	/* as in the helper */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL);
	return ctl_ssh_keys.run(&call);
}
