/* SPDX-License-Identifier: MIT */
/* files.c - reads what an operator named, whole and bounded; takes nothing apart. */
#include "ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 4096

const char *const ctl_cert_suffixes[] = { ".pem", ".crt", ".cer", ".der", NULL };
const char *const ctl_crl_suffixes[] = { ".crl", ".pem", ".der", NULL };

struct names {
	char **name;
	size_t n;
};

static void
names_fini(struct names *names)
{
	dlk_names_free(names->name, names->n);
}

void
ctl_files_fini(struct ctl_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->file[i].label);
		dlk_buf_free(&files->file[i].content);
	}
	free(files->file);
	*files = (struct ctl_files){ 0 };
}

static struct ctl_file *
add_file(struct ctl_files *files, const char *label)
{
	struct ctl_file *more = reallocarray(files->file, files->n + 1, sizeof(*files->file));
	char *copy = strdup(label);

	if (more)
		files->file = more;
	if (!more || !copy) {
		free(copy);
		return NULL;
	}
	files->file[files->n] = (struct ctl_file){ .label = copy };
	return &files->file[files->n++];
}

static int
read_one(struct ctl_files *files, const char *path, size_t most)
{
	struct ctl_file *file = add_file(files, path);

	if (!file)
		return -ENOMEM;
	file->error = dlk_file_read(path, most, NULL, &file->content);
	return file->error == -ENOMEM ? -ENOMEM : 0;
}

static int
read_directory(struct ctl_files *files, const char *path, int dir, const char *const *suffixes,
    size_t most)
{
	__attribute__((cleanup(names_fini))) struct names names = { 0 };
	char whole[PATH_MAX];

	int r = dlk_dir_list(dir, suffixes, FILES_MAX, &names.name, &names.n);
	if (r < 0) {
		struct ctl_file *file = add_file(files, path);
		if (file)
			file->error = r;
		return file && r != -ENOMEM ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < names.n; i++) {
		r = dlk_path_join(whole, sizeof(whole), path, names.name[i]);
		if (r == 0)
			r = read_one(files, whole, most);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

int
ctl_files_read(
    struct ctl_files *files, const char *path, const char *const *suffixes, size_t most)
{
	DLK_AUTO_FD dir = -1;

	if (suffixes && dlk_dir_open(path, NULL, &dir) == 0)
		return read_directory(files, path, dir, suffixes, most);
	return read_one(files, path, most);
}
