/* SPDX-License-Identifier: MIT */
/* fault.c - see fault.h. It passes everything on to SQLite's own layer, and remembers what a
 * power failure would take away. */
#include "tests/unit/fault.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

/* One write that was not synced yet: what was there before. */
struct undo {
	struct undo *next;
	sqlite3_int64 offset, size; /* of the file */
	int n;
	uint8_t old[];
};

struct file {
	sqlite3_file base;
	struct file *next;
	struct undo *undo; /* newest first */
	sqlite3_file *real;
};

struct fault fault;
static sqlite3_vfs layer, *below;
static struct file *files;

static void
forget(struct file *f)
{
	while (f->undo) {
		struct undo *u = f->undo;
		f->undo = u->next;
		free(u);
	}
}

static void
remember(struct file *f, int n, sqlite3_int64 offset)
{
	struct undo *u = calloc(1, sizeof(*u) + (size_t)n);

	if (!u)
		abort();
	u->offset = offset;
	u->n = n;
	f->real->pMethods->xFileSize(f->real, &u->size);
	/* Beyond the end it reads zeros, which is what there is after a power failure. */
	f->real->pMethods->xRead(f->real, u->old, n, offset);
	u->next = f->undo;
	f->undo = u;
}

static bool
survives(void)
{
	fault.seed = fault.seed * 6364136223846793005 + 1442695040888963407;
	return fault.kind == FAULT_LOTS && (fault.seed >> 33) % 2 == 0;
}

static void
cut_power(void)
{
	for (struct file *f = files; f; f = f->next)
		for (struct undo *u = f->undo; u; u = u->next) {
			if (survives())
				continue;
			f->real->pMethods->xWrite(f->real, u->old, u->n, u->offset);
			if (fault.kind == FAULT_POWER)
				f->real->pMethods->xTruncate(f->real, u->size);
		}
	_exit(9);
}

/* What becomes of the next operation: SQLITE_OK where it may happen. */
static int
count(struct file *f, const void *data, int n, sqlite3_int64 offset, int error)
{
	bool now =
	    fault.kind != FAULT_NONE && fault.kind < FAULT_NOMEM && ++fault.count >= fault.at;

	if (!now || (fault.count > fault.at && fault.kind != FAULT_DEAD))
		return SQLITE_OK;
	fault.hit = true;
	if (fault.kind == FAULT_POWER || fault.kind == FAULT_LOTS)
		cut_power();
	if ((fault.kind == FAULT_TORN || fault.kind == FAULT_SHORT) && data)
		f->real->pMethods->xWrite(f->real, data, n / 2, offset);
	if (fault.kind == FAULT_TORN || fault.kind == FAULT_KILL)
		_exit(9);
	return fault.kind == FAULT_FULL ? SQLITE_FULL : error;
}

static int
file_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
	struct file *f = (struct file *)file;
	int code = count(f, data, n, offset, SQLITE_IOERR_WRITE);

	if (code != SQLITE_OK)
		return code;
	if (fault.kind == FAULT_POWER || fault.kind == FAULT_LOTS)
		remember(f, n, offset);
	return f->real->pMethods->xWrite(f->real, data, n, offset);
}

static int
file_sync(sqlite3_file *file, int flags)
{
	struct file *f = (struct file *)file;
	int code = count(f, NULL, 0, 0, SQLITE_IOERR_FSYNC);

	(void)flags;
	if (code == SQLITE_OK)
		forget(f);
	return code;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct file *f = (struct file *)file;
	int code = count(f, NULL, 0, 0, SQLITE_IOERR_TRUNCATE);

	return code != SQLITE_OK ? code : f->real->pMethods->xTruncate(f->real, size);
}

static int
file_close(sqlite3_file *file)
{
	struct file *f = (struct file *)file, **at = &files;

	while (*at && *at != f)
		at = &(*at)->next;
	if (*at)
		*at = f->next;
	forget(f);
	return f->real->pMethods->xClose(f->real);
}

#define REAL(file)      (((struct file *)(file))->real)
#define PASS(call, ...) REAL(file)->pMethods->call(REAL(file), __VA_ARGS__)

static int
file_read(sqlite3_file *file, void *data, int n, sqlite3_int64 offset)
{
	return PASS(xRead, data, n, offset);
}
static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return PASS(xFileSize, size);
}
static int
file_lock(sqlite3_file *file, int level)
{
	return PASS(xLock, level);
}
static int
file_unlock(sqlite3_file *file, int level)
{
	return PASS(xUnlock, level);
}
static int
file_reserved(sqlite3_file *file, int *out)
{
	return PASS(xCheckReservedLock, out);
}
static int
file_control(sqlite3_file *file, int op, void *arg)
{
	return PASS(xFileControl, op, arg);
}
static int
file_sector(sqlite3_file *file)
{
	return REAL(file)->pMethods->xSectorSize(REAL(file));
}
static int
file_traits(sqlite3_file *file)
{
	return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}
static int
file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	return PASS(xShmMap, page, size, extend, out);
}
static int
file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return PASS(xShmLock, offset, n, flags);
}
static void
file_shm_barrier(sqlite3_file *file)
{
	REAL(file)->pMethods->xShmBarrier(REAL(file));
}
static int
file_shm_unmap(sqlite3_file *file, int delete)
{
	return PASS(xShmUnmap, delete);
}

static const sqlite3_io_methods methods = { .iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap };

static int
layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct file *f = (struct file *)file;

	(void)vfs;
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	int code = below->xOpen(below, name, f->real, flags, out);
	if (code != SQLITE_OK || !f->real->pMethods)
		return code;
	f->base.pMethods = &methods;
	f->next = files;
	files = f;
	return SQLITE_OK;
}

static sqlite3_mem_methods memory;

static bool
is_refused(void)
{
	if (fault.kind < FAULT_NOMEM || ++fault.count < fault.at ||
	    (fault.kind == FAULT_NOMEM && fault.count > fault.at))
		return false;
	fault.hit = true;
	return true;
}

static void *
layer_malloc(int n)
{
	return is_refused() ? NULL : memory.xMalloc(n);
}

static void *
layer_realloc(void *p, int n)
{
	return is_refused() ? NULL : memory.xRealloc(p, n);
}

static void
install_memory(void)
{
	sqlite3_mem_methods ours;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
		abort();
	ours = memory;
	ours.xMalloc = layer_malloc;
	ours.xRealloc = layer_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK)
		abort();
	/* A cache of small pieces would hide most of it. */
	if (sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
		abort();
}

void
fault_install(void)
{
	install_memory();
	below = sqlite3_vfs_find(NULL);
	layer = *below;
	layer.zName = "fault";
	layer.pNext = NULL;
	layer.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	layer.xOpen = layer_open;
	if (sqlite3_vfs_register(&layer, 1) != SQLITE_OK)
		abort();
}

void
fault_arm(enum fault_kind kind, long at, uint64_t seed)
{
	fault = (struct fault){ .kind = kind, .at = at, .seed = seed };
}
