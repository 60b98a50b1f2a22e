/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose Windows a volume holds, by its registry: see state-parts.h. */
#include "state-parts.h"

#include <string.h>

#include <base/utf.h>

#include "hives/hive-load.h"
#include "hives/hive.h"

#define CONFIG "Windows/System32/config/"

/* Where a text is kept: a value of the first of these keys that has it. */
struct place {
	const char *hive, *value;
	const char *keys[3];
};

static const struct place places[] = {
	[STATE_COMPUTER] = { CONFIG "SYSTEM",
			     "ComputerName",
			     { "ControlSet001/Control/ComputerName/ComputerName",
			       "ControlSet002/Control/ComputerName/ComputerName",
			       "ControlSet003/Control/ComputerName/ComputerName" } },
	[STATE_BUILD] = { CONFIG "SOFTWARE",
			  "CurrentBuild",
			  { "Microsoft/Windows NT/CurrentVersion" } },
};

static int find_text(struct hive *hive, const struct place *place, char **ret,
		     struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(place->keys) && place->keys[i] && !bytes; i++) {
		hive_node key = hive_find(hive, 0, place->keys[i]);

		if (key && hive_value(hive, key, place->value, &bytes, &length, NULL) < 0)
			bytes = NULL;
	}
	if (!bytes)
		return err_set(err, -ENOENT, "'%s': has no %s", place->hive,
			       place->value);
	return utf16le_to_utf8(bytes, length, ret, err);
}

int state_machine_fact(struct block_source *volume, const struct volume_info *info,
		       enum state_fact fact, char **ret, struct err *err)
{
	const struct place *place = &places[fact];
	AUTO(hive_freep) struct hive *hive = NULL;
	struct hive_image image = { 0 };
	int r = hive_load(volume, info, place->hive, &image, err);

	if (r == 0)
		r = hive_open(image.bytes, image.length, place->hive, &hive, err);
	hive_image_clear(&image);
	return r < 0 ? r : find_text(hive, place, ret, err);
}
