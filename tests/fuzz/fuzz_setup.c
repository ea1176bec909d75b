/* SPDX-License-Identifier: MIT */
/* Any octets as what the process without rights found out for `doublelock setup`: root writes
 * files by it, so no name may lead anywhere else. */
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/setup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* one line for each input would be all that it does */
int
ctl_fault(const char *format, ...)
{
	(void)format;
	return CTL_FAULT;
}

static void
check_file(const struct setup_file *file)
{
	static const char *const dirs[] = { "trust.d", "intermediates.d", "crl.d" };
	bool known = false;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		known |= strcmp(file->dir, dirs[i]) == 0;
	if (!known || strchr(file->name, '/') || file->name[0] == '.' ||
	    !dlk_text_is_name(file->name))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ctl_file lists[2];
	struct setup_site site = { .crl_files = { .file = lists, .n = 2 } };
	struct setup_found *found = calloc(1, sizeof(*found));

	(void)setup_take(&site, found, DLK_BYTES(data, size));
	for (size_t i = 0; i < found->n_files; i++)
		check_file(&found->file[i]);
	for (size_t i = 0; i < found->n_rules; i++)
		if (!dlk_text_is_name(found->rule[i].text) ||
		    !dlk_text_is_account(dlk_bytes_str(found->rule[i].user)))
			abort();
	setup_found_fini(found);
	free(found);
	return 0;
}
