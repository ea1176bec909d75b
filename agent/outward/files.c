/* SPDX-License-Identifier: MIT */
/* files.c - octets that are kept and wiped. This process opens none of the files itself. */
#include "agent/outward/files.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/text.h"

int
dlk_out_files_set(struct dlk_out_files *files, int64_t which, struct dlk_bytes content)
{
	if (which < DLK_OUT_CA || which >= DLK_OUT_FILES)
		return -EBADMSG;
	dlk_buf_free(&files->content[which]);
	return dlk_buf_add(&files->content[which], DLK_OUT_FILE_MAX, content);
}

void
dlk_out_files_fini(struct dlk_out_files *files)
{
	for (size_t i = 0; i < DLK_OUT_FILES; i++)
		dlk_buf_free(&files->content[i]);
}

int
dlk_out_files_path(
    const struct dlk_out_files *files, enum dlk_out_file which, int *ret_fd, char path[64])
{
	DLK_AUTO_FD fd = memfd_create("doublelock", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	int r = dlk_fd_write(fd, dlk_bytes_of(&files->content[which]));
	if (r < 0)
		return r;
	dlk_text_print(path, 64, "/proc/self/fd/%d", fd);
	*ret_fd = fd;
	fd = -1;
	return 0;
}
