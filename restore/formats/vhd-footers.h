/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The footer of a VHD, at the end of the file, and its copy at the start. */
#pragma once

#include "image-kind.h"
#include "vhd-format.h"

/* Is there a footer, be it sound or not? */
int vhd_footers_probe(struct block_source *file, bool *ret_is, struct err *err) MUST_CHECK;

/* The sound one, checked against its copy; what was odd is noted in info. *ret_end: where the
 * sound footer at the end begins; the file's size if there is none. */
int vhd_footers_read(struct block_source *file, struct image_info *info,
		     struct vhd_footer *ret, uint64_t *ret_end, struct err *err) MUST_CHECK;
