/* SPDX-License-Identifier: MIT */
/*
 * crlindex.c - opens compiled lists, and believes an index only as long as the file that it
 * was made from is untouched. It judges no list; crlcompile.c makes indexes.
 */
#include "store/crlindex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/say.h"
#include "core/crlfile.h"
#include "core/crlimage.h"
#include "store/indexhead.h"

const char *const dlk_crl_suffixes[] = { ".crl", ".pem", ".der", NULL };

static int
read_fd(void *ctx, uint8_t *buf, size_t room, size_t *ret_n)
{
	ssize_t n;

	do
		n = read(*(const int *)ctx, buf, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_n = (size_t)n;
	return 0;
}

struct dlk_octet_source
dlk_fd_source(int *fd)
{
	return (struct dlk_octet_source){ .read = read_fd, .ctx = fd };
}

/* An index that is mapped, shared by the lists out of it. */
struct mapping {
	void *p;
	size_t n;
	unsigned users;
	struct dlk_care care; /* for the list's file, should it have to be read again */
	struct dlk_index_head head;
};

/* Which of them; what the set of lists keeps. */
struct place {
	struct mapping *mapping;
	uint32_t i;
};

static void
release_mapping(struct mapping *mapping)
{
	if (!mapping || --mapping->users > 0)
		return;
	if (mapping->p != MAP_FAILED)
		munmap(mapping->p, mapping->n);
	free(mapping);
}

static void
cleanup_mapping(struct mapping **mapping)
{
	release_mapping(*mapping);
}

static void
release_place(void *ctx)
{
	struct place *place = ctx;

	release_mapping(place->mapping);
	free(place);
}

/* Made by whoever could also have given any other answer: root, or the user that judges. */
static int
open_index(const char *index, const char *path)
{
	const struct dlk_care care = { .owned = true, .owner = geteuid() };
	char name[DLK_INDEX_NAME];
	DLK_AUTO_FD dir = -1;
	int fd, r = dlk_index_name(path, name);

	if (r == 0)
		r = dlk_dir_open(index, &care, &dir);
	if (r == 0)
		r = dlk_file_open_at(dir, name, &care, &fd);
	return r < 0 ? r : fd;
}

static int
map_fd(int fd, struct mapping **ret_mapping)
{
	__attribute__((cleanup(cleanup_mapping))) struct mapping *mapping =
	    calloc(1, sizeof(*mapping));
	struct stat st;

	if (!mapping)
		return -ENOMEM;
	mapping->users = 1;
	mapping->p = MAP_FAILED;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < DLK_INDEX_HEAD)
		return -EBADMSG;
	mapping->n = (size_t)st.st_size;
	mapping->p = mmap(NULL, mapping->n, PROT_READ, MAP_SHARED, fd, 0);
	if (mapping->p == MAP_FAILED)
		return -errno;
	int r = dlk_index_head_decode(
	    DLK_BYTES(mapping->p, DLK_INDEX_HEAD), mapping->n, &mapping->head);
	if (r < 0)
		return r;
	*ret_mapping = mapping;
	mapping = NULL;
	return 0;
}

static int
map_index(const char *index, const char *path, struct mapping **ret_mapping)
{
	DLK_AUTO_FD fd = open_index(index, path);

	return fd < 0 ? fd : map_fd(fd, ret_mapping);
}

/* The file as it is open is the one that was compiled. */
static bool
is_current(const struct mapping *mapping, const char *path, int fd)
{
	struct dlk_file_identity identity;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	dlk_file_identify(&st, &identity);
	return strcmp(mapping->head.path, path) == 0 &&
	       dlk_file_identity_equal(&mapping->head.source, &identity);
}

static struct dlk_bytes
image_at(const struct mapping *mapping, uint32_t i)
{
	return DLK_BYTES((const uint8_t *)mapping->p + mapping->head.image[i].at,
	    (size_t)mapping->head.image[i].n);
}

/* Compiles the i-th list of a file into memory. */
static int
compile_nth(int fd, uint32_t i, struct dlk_octets_grown *memory)
{
	const struct dlk_octet_source file_source = dlk_fd_source(&fd);
	const struct dlk_octet_target target = dlk_octets_target(memory);
	DLK_AUTO_CRLFILE *file = NULL;
	struct dlk_octet_source list;
	const char *rule;
	uint64_t size;
	int r = dlk_crlfile_new(&file_source, &file);

	for (uint32_t at = 0; r >= 0 && at <= i; at++) {
		r = dlk_crlfile_next(file, &list);
		if (r == 0)
			r = -ENODATA;
	}
	return r < 0 ? r : dlk_crlimage_compile(&list, &target, NULL, &size, &rule);
}

/* The index is damaged where it was searched: the list itself, if it is still the same. */
static int
make_again(void *ctx, uint8_t **ret_octets, size_t *ret_n)
{
	const struct place *place = ctx;
	const struct mapping *mapping = place->mapping;
	struct dlk_octets_grown memory = { 0 };
	DLK_AUTO_FD fd = -1;
	int r = dlk_file_open(mapping->head.path, &mapping->care, &fd);

	if (r == 0)
		r = is_current(mapping, mapping->head.path, fd)
			? compile_nth(fd, place->i, &memory)
			: -ESTALE;
	if (r < 0) {
		free(memory.p);
		return r;
	}
	dlk_say(DLK_WARNING,
	    "%s: its index is damaged; read the list itself ('doublelock crl compile' makes "
	    "the index anew)",
	    mapping->head.path);
	*ret_octets = memory.p;
	*ret_n = memory.n;
	return 0;
}

/* -ENOMEM, or -EBADMSG for an image that is not taken. */
static int
add_image(
    struct mapping *mapping, uint32_t i, struct dlk_crls *crls, struct dlk_finding *finding)
{
	struct place *place = malloc(sizeof(*place));
	const struct dlk_crl_image image = { .octets = image_at(mapping, i),
		.release = release_place,
		.again = make_again,
		.ctx = place };

	if (!place)
		return -ENOMEM;
	*place = (struct place){ .mapping = mapping, .i = i };
	if (dlk_crls_add_image(crls, &image, mapping->head.path, finding) != DLK_R_OK) {
		free(place);
		return -EBADMSG;
	}
	mapping->users++;
	return 0;
}

/* All lists or none. */
static int
add_images(struct mapping *mapping, struct dlk_crls *crls, struct dlk_finding *finding)
{
	struct dlk_crls *all;
	int r = dlk_crls_new(&all);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < mapping->head.n && r == 0; i++)
		r = add_image(mapping, i, all, finding);
	if (r == 0)
		r = dlk_crls_move(all, crls);
	dlk_crls_free(all);
	return r;
}

int
dlk_crlindex_load(const char *path, int fd, const char *index, const struct dlk_care *care,
    struct dlk_crls *crls)
{
	__attribute__((cleanup(cleanup_mapping))) struct mapping *mapping = NULL;
	int r = map_index(index, path, &mapping);

	if (r < 0 || !is_current(mapping, path, fd))
		return r == -ENOMEM ? r : 0;
	mapping->care = care ? *care : (struct dlk_care){ 0 };
	r = add_images(mapping, crls, NULL);
	if (r == -ENOMEM)
		return r;
	return r == 0;
}

static bool
all_sound(const struct mapping *mapping)
{
	struct dlk_crlimage image;

	for (uint32_t i = 0; i < mapping->head.n; i++)
		if (dlk_crlimage_open(image_at(mapping, i), &image) < 0 ||
		    !dlk_crlimage_sound(&image))
			return false;
	return true;
}

int
dlk_crlindex_check(int index, struct dlk_crls *crls, struct dlk_finding *finding)
{
	__attribute__((cleanup(cleanup_mapping))) struct mapping *mapping = NULL;
	int r = map_fd(index, &mapping);

	return r < 0 ? r : add_images(mapping, crls, finding);
}

bool
dlk_crlindex_is_sound(const char *path, int fd, const char *index)
{
	__attribute__((cleanup(cleanup_mapping))) struct mapping *mapping = NULL;

	return map_index(index, path, &mapping) == 0 && is_current(mapping, path, fd) &&
	       all_sound(mapping);
}
