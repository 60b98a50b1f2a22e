/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registry hives by libhivex: see hive.h. This is the only file that includes it. */
#include "hive.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <hivex.h>

#include <base/bytes.h>
#include <base/text.h>

/* The head of every hive. A writer raises the first number before and the second after.
 */
struct hive_head_disk {
	uint8_t magic[4]; /* 0x00 "regf" */
	le32 sequence1;	  /* 0x04 */
	le32 sequence2;	  /* 0x08 */
};
_Static_assert(sizeof(struct hive_head_disk) == 12, "offsets as commented");

/* The whole head takes one page. */
#define HIVE_MIN_SIZE 4096

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

static int open_handle(const uint8_t *bytes, size_t length, struct hive *hive,
		       struct err *err)
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
	hive->handle = hivex_open(path, 0);
	if (hive->handle)
		return 0;
	if (errno == ENOMEM)
		return err_nomem(err);
	if (errno == ENOENT || errno == EACCES || errno == EPERM)
		return err_errno(err, errno, "memory file for a hive, '%s'", path);
	return err_set(err, -EBADMSG, "'%s': damaged registry hive", hive->what);
}

int hive_open(const void *bytes, size_t length, const char *what, struct hive **ret,
	      struct err *err)
{
	AUTO(hive_freep) struct hive *hive = calloc(1, sizeof(*hive));
	struct hive_head_disk head;
	int r;

	if (!hive)
		return err_nomem(err);
	if (length < HIVE_MIN_SIZE || memcmp(bytes, "regf", 4) != 0)
		return err_set(err, -EBADMSG, "'%s': not a registry hive", what);
	if (length > HIVE_MAX_SIZE)
		return err_set(err, -EBADMSG, "'%s': hive of %zu bytes, limit %u", what,
			       length, HIVE_MAX_SIZE);
	memcpy(&head, bytes, sizeof(head));
	hive->dirty = get_le32(head.sequence1) != get_le32(head.sequence2);
	hive->what = strdup(what);
	if (!hive->what)
		return err_nomem(err);
	r = open_handle(bytes, length, hive, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(hive);
	return 0;
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
