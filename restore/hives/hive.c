/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registry hives by libhivex: see hive.h. This is the only file that includes it. */
#include "hive.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <hivex.h>

#include <base/bytes.h>
#include <base/text.h>

#include "hive-parts.h"

/* More parts than any path that we look for. */
#define MAX_PARTS 16

struct hive {
	hive_h *handle;
	bool dirty;
	char *what;
};

void hive_close(struct hive *hive)
{
	if (!hive)
		return;
	if (hive->handle)
		hivex_close(hive->handle);
	free(hive->what);
	free(hive);
}

static int write_all(int fd, const uint8_t *bytes, size_t length, struct err *err)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "memory file for a hive");
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

static int open_handle(const uint8_t *bytes, size_t length, bool writable,
		       struct hive *hive, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create("hive", MFD_CLOEXEC);
	char path[64];
	int r;

	if (fd < 0)
		return err_errno(err, errno, "memory file for a hive");
	r = write_all(fd, bytes, length, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	hive->handle = hivex_open(path, writable ? HIVEX_OPEN_WRITE : 0);
	if (hive->handle)
		return 0;
	if (errno == ENOMEM)
		return err_nomem(err);
	if (errno == ENOENT || errno == EACCES || errno == EPERM)
		return err_errno(err, errno, "memory file for a hive, '%s'", path);
	return err_set(err, -EBADMSG, "'%s': damaged registry hive", hive->what);
}

static int open_hive(const struct hive_file *file, const char *what, bool writable,
		     struct hive **ret, struct err *err)
{
	AUTO(hive_freep) struct hive *hive = calloc(1, sizeof(*hive));
	struct hive_base_disk base;
	int r = hive_base_read(file, what, &base, err);

	if (!hive)
		return err_nomem(err);
	if (r < 0)
		return r;
	if (file->length < HIVE_BASE_SIZE)
		return err_set(err, -EBADMSG, "'%s': not a registry hive", what);
	hive->dirty = get_le32(base.sequence1) != get_le32(base.sequence2);
	hive->what = strdup(what);
	if (!hive->what)
		return err_nomem(err);
	r = open_handle(file->bytes, file->length, writable, hive, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(hive);
	return 0;
}

int hive_open(const void *bytes, size_t length, const char *what, struct hive **ret,
	      struct err *err)
{
	return open_hive(&(struct hive_file){ bytes, length }, what, false, ret, err);
}

bool hive_is_dirty(const struct hive *hive)
{
	return hive->dirty;
}

hive_node hive_find(struct hive *hive, hive_node parent, const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	hive_node node = parent ? parent : hivex_root(hive->handle);
	char *save = NULL, *part = copy ? strtok_r(copy, "/", &save) : NULL;

	for (unsigned i = 0; part && node; i++) {
		if (i >= MAX_PARTS)
			return 0;
		node = hivex_node_get_child(hive->handle, node, part);
		part = strtok_r(NULL, "/", &save);
	}
	return copy ? node : 0;
}

int hive_children(struct hive *hive, hive_node node, hive_visit *visit, void *context,
		  struct err *err)
{
	AUTO_FREE hive_node_h *children = hivex_node_children(hive->handle, node);
	int r = 0;

	if (!children)
		return err_set(err, -EBADMSG, "'%s': damaged list of keys", hive->what);
	for (size_t i = 0; children[i] && r == 0; i++) {
		AUTO_FREE char *name = hivex_node_name(hive->handle, children[i]);

		if (i >= HIVE_MAX_CHILDREN)
			return err_set(err, -E2BIG, "'%s': more than %d keys in one",
				       hive->what, HIVE_MAX_CHILDREN);
		if (!name)
			return err_set(err, -EBADMSG, "'%s': damaged key", hive->what);
		r = visit(children[i], name, context, err);
	}
	return r;
}

static int visit_value(struct hive *hive, hive_value_h value, hive_value_visit *visit,
		       void *context, struct err *err)
{
	AUTO_FREE char *name = hivex_value_key(hive->handle, value);
	AUTO_FREE char *bytes = NULL;
	size_t length = 0;
	hive_type type;

	bytes = name ? hivex_value_value(hive->handle, value, &type, &length) : NULL;
	if (!bytes)
		return 0;
	return visit(name, (const uint8_t *)bytes, length, context, err);
}

int hive_values(struct hive *hive, hive_node node, hive_value_visit *visit, void *context,
		struct err *err)
{
	AUTO_FREE hive_value_h *values = hivex_node_values(hive->handle, node);
	int r = 0;

	if (!values)
		return err_set(err, -EBADMSG, "'%s': damaged list of values", hive->what);
	for (size_t i = 0; values[i] && r == 0; i++) {
		if (i >= HIVE_MAX_CHILDREN)
			return err_set(err, -E2BIG, "'%s': more than %d values in one",
				       hive->what, HIVE_MAX_CHILDREN);
		r = visit_value(hive, values[i], visit, context, err);
	}
	return r;
}

int hive_value(struct hive *hive, hive_node node, const char *name, uint8_t **ret,
	       size_t *ret_length, struct err *err)
{
	hive_value_h value = hivex_node_get_value(hive->handle, node, name);
	char *bytes;
	size_t length;
	hive_type type;

	bytes = value ? hivex_value_value(hive->handle, value, &type, &length) : NULL;
	if (!bytes)
		return err_set(err, -ENOENT, "'%s': no value '%s'", hive->what, name);
	*ret = (uint8_t *)bytes;
	*ret_length = length;
	return 0;
}

/* -- to change ---- */

int hive_open_writable(const struct hive_file *file, const char *what, struct hive **ret,
		       struct err *err)
{
	return open_hive(file, what, true, ret, err);
}

/* errno of a call that changes the hive. */
static int tell_library(const struct hive *hive, const char *what, struct err *err)
{
	if (errno == ENOMEM)
		return err_nomem(err);
	return err_set(err, errno == ERANGE || errno == ENOTSUP ? -ENOTSUP : -EBADMSG,
		       "'%s': libhivex cannot %s: %s", hive->what, what, strerror(errno));
}

int hive_value_find(struct hive *hive, hive_node node, const char *name,
		    struct hive_value_place *ret)
{
	struct hive_value_place place = { .value = hivex_node_get_value(hive->handle,
									node, name) };
	size_t cell_length = 0;
	hive_type type;

	if (!place.value ||
	    hivex_value_type(hive->handle, place.value, &type, &place.length) < 0)
		return -ENOENT;
	place.type = (uint32_t)type;
	errno = 0;
	place.data =
		hivex_value_data_cell_offset(hive->handle, place.value, &cell_length);
	if (place.data)
		place.data += sizeof(le32); /* the cell's size */
	else if (errno == 0)
		place.data = place.value + sizeof(le32) +
			     offsetof(struct hive_value_disk, data);
	*ret = place;
	return 0;
}

/* libhivex writes all values of a key anew. Not what it would cut or store as Windows does
 * not: names with a NUL in them, data in segments. */
static int values_are_simple(struct hive *hive, hive_node node, struct err *err)
{
	AUTO_FREE hive_value_h *values = hivex_node_values(hive->handle, node);

	if (!values)
		return err_set(err, -EBADMSG, "'%s': damaged list of values", hive->what);
	for (size_t i = 0; values[i]; i++) {
		AUTO_FREE char *name = hivex_value_key(hive->handle, values[i]);
		size_t length = 0;
		hive_type type;

		if (!name ||
		    hivex_value_type(hive->handle, values[i], &type, &length) < 0)
			return err_set(err, -EBADMSG, "'%s': damaged value", hive->what);
		if (length > HIVE_SEGMENT_SIZE ||
		    strlen(name) != hivex_value_key_len(hive->handle, values[i]))
			return err_set(err, -ENOTSUP,
				       "'%s': value '%s' of %zu bytes cannot be "
				       "written anew, limit %u",
				       hive->what, name, length, HIVE_SEGMENT_SIZE);
	}
	return 0;
}

int hive_put_value(struct hive *hive, hive_node node, const struct hive_datum *datum,
		   struct err *err)
{
	/* the library takes what it only reads as if it would change it */
	AUTO_FREE char *name = strdup(datum->name);
	AUTO_FREE char *bytes = malloc(datum->length ? datum->length : 1);
	hive_set_value set;
	int r = values_are_simple(hive, node, err);

	if (r < 0)
		return r;
	if (!name || !bytes)
		return err_nomem(err);
	memcpy(bytes, datum->bytes, datum->length);
	set = (hive_set_value){ name, (hive_type)datum->type, datum->length, bytes };
	if (hivex_node_set_value(hive->handle, node, &set, 0) < 0)
		return tell_library(hive, "set a value", err);
	return 0;
}

int hive_put_key(struct hive *hive, hive_node parent, const char *name, hive_node *ret,
		 struct err *err)
{
	hive_node node = hivex_node_add_child(hive->handle, parent, name);

	if (!node)
		return tell_library(hive, "add a key", err);
	*ret = node;
	return 0;
}

hive_node hive_parent(struct hive *hive, hive_node node)
{
	return hivex_node_parent(hive->handle, node);
}

int hive_remove_key(struct hive *hive, hive_node node, struct err *err)
{
	if (hivex_node_delete_child(hive->handle, node) < 0)
		return tell_library(hive, "delete a key", err);
	return 0;
}

int hive_bytes(struct hive *hive, uint8_t **ret, size_t *ret_length, struct err *err)
{
	AUTO_CLOSE int fd = memfd_create("hive", MFD_CLOEXEC);
	AUTO_FREE uint8_t *bytes = NULL;
	char path[64];
	off_t length;

	if (fd < 0)
		return err_errno(err, errno, "memory file for a hive");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (hivex_commit(hive->handle, path, 0) < 0)
		return tell_library(hive, "write the hive", err);
	length = lseek(fd, 0, SEEK_END);
	if (length <= 0 || length > HIVE_MAX_SIZE)
		return err_set(err, -EBADMSG, "'%s': hive of %lld bytes, limit %u",
			       hive->what, (long long)length, HIVE_MAX_SIZE);
	bytes = malloc((size_t)length);
	if (!bytes)
		return err_nomem(err);
	for (off_t at = 0; at < length;) {
		ssize_t n = pread(fd, bytes + at, (size_t)(length - at), at);

		if (n <= 0)
			return err_errno(err, n < 0 ? errno : EIO,
					 "memory file for a hive");
		at += n;
	}
	*ret = TAKE_PTR(bytes);
	*ret_length = (size_t)length;
	return 0;
}
