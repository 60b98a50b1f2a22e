/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File systems on which files get another content: see state-volume.h. */
#include "state-volume.h"

int state_volume_find(const struct volume_info *info, const struct state_volume_ops **ret,
		      struct err *err)
{
	static const struct state_volume_ops *const all[] = { &state_ntfs, &state_fat };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (const enum file_system *kind = all[i]->kinds; *kind != FS_UNKNOWN;
		     kind++)
			if (*kind == info->fs) {
				*ret = all[i];
				return 0;
			}
	return err_set(err, -ENOTSUP, "%s: no files of it are changed",
		       file_system_text(info->fs));
}

void state_volume_drop(struct state_volume *volume)
{
	if (volume)
		(void)!volume->ops->close(&volume, NULL);
}
