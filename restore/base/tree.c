/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all trees have in common: the checks of paths and of names from outside. */
#include <inttypes.h>
#include <string.h>

#include <base/log.h>
#include <base/text.h>
#include <base/tree.h>
#include <base/utf.h>

/* One part of a path: not empty, not a way up, no separator of any system, UTF-8. */
static bool name_is_good(const char *name, size_t length)
{
	if (length == 0 || (length == 1 && name[0] == '.') ||
	    (length == 2 && name[0] == '.' && name[1] == '.'))
		return false;
	if (memchr(name, '/', length) || memchr(name, '\\', length))
		return false;
	return utf8_check(name, length) == 0;
}

static int check_path(const struct tree *tree, const char *path, struct err *err)
{
	const char *part = path;

	if (path[0] == '\0')
		return 0;
	for (;;) {
		size_t length = strcspn(part, "/");

		if (!name_is_good(part, length))
			return err_set(err, -EINVAL, "'%s': '%s' is not a path inside it",
				       tree->name, path);
		if (part[length] == '\0')
			return 0;
		part += length + 1;
	}
}

struct guarded_visit {
	const struct tree *tree;
	const char *path;
	tree_visit *visit;
	void *context;
	size_t seen;
};

static int visit_guarded(const struct tree_entry *entry, void *context, struct err *err)
{
	struct guarded_visit *guarded = context;

	if (++guarded->seen > TREE_MAX_ENTRIES)
		return err_set(err, -E2BIG, "'%s/%s': more than %d entries in one folder",
			       guarded->tree->name, guarded->path, TREE_MAX_ENTRIES);
	if (!name_is_good(entry->name, strlen(entry->name))) {
		log_debug("'%s/%s': entry '%s' has a name that no backup has, ignoring",
			  guarded->tree->name, guarded->path, entry->name);
		return 0;
	}
	return guarded->visit(entry, guarded->context, err);
}

int tree_list(struct tree *tree, const char *path, tree_visit *visit, void *context,
	      struct err *err)
{
	struct guarded_visit guarded = {
		.tree = tree, .path = path, .visit = visit, .context = context
	};
	int r = check_path(tree, path, err);

	if (r < 0)
		return r;
	return tree->ops->list(tree, path, visit_guarded, &guarded, err);
}

void tree_expect(struct tree *tree, const char *path)
{
	if (tree->ops->expect)
		tree->ops->expect(tree, path);
}

bool tree_is_previous_name(const char *name, size_t length)
{
	static const char form[] = "@GMT-0000.00.00-00.00.00";

	if (length != TREE_PREVIOUS_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++)
		if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
			return false;
	return true;
}
_Static_assert(sizeof("@GMT-0000.00.00-00.00.00") - 1 == TREE_PREVIOUS_LENGTH, "length");

static int visit_previous(const struct tree_entry *entry, void *context, struct err *err)
{
	struct guarded_visit *guarded = context;

	if (!tree_is_previous_name(entry->name, strlen(entry->name)) ||
	    ++guarded->seen > TREE_MAX_PREVIOUS) {
		log_debug("'%s': previous version '%s', ignoring", guarded->tree->name,
			  entry->name);
		return 0;
	}
	return guarded->visit(entry, guarded->context, err);
}

int tree_list_previous(struct tree *tree, tree_visit *visit, void *context,
		       struct err *err)
{
	struct guarded_visit guarded = {
		.tree = tree, .path = "", .visit = visit, .context = context
	};

	if (!tree->ops->previous)
		return 0;
	return tree->ops->previous(tree, visit_previous, &guarded, err);
}

int tree_open(struct tree *tree, const char *path, struct block_source **ret,
	      struct err *err)
{
	int r = check_path(tree, path, err);

	if (r < 0)
		return r;
	return tree->ops->open(tree, path, ret, err);
}

void tree_close(struct tree *tree)
{
	if (tree)
		tree->ops->close(tree);
}

char *tree_path_join(const char *folder, const char *name)
{
	return folder[0] ? text_format("%s/%s", folder, name) : strdup(name);
}

int tree_read_file(struct tree *tree, const char *path, size_t limit, uint8_t **ret,
		   size_t *ret_length, struct err *err)
{
	AUTO(source_freep) struct block_source *source = NULL;
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;
	int r;

	r = tree_open(tree, path, &source, err);
	if (r < 0)
		return r;
	if (source->size > limit || source->size == SIZE_MAX)
		return err_set(err, -EFBIG, "'%s': %" PRIu64 " bytes, limit %zu",
			       source->name, source->size, limit);
	length = (size_t)source->size;
	bytes = malloc(length + 1);
	if (!bytes)
		return err_nomem(err);
	r = source_read(source, bytes, 0, length, err);
	if (r < 0)
		return r;
	bytes[length] = 0;
	*ret = TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}
