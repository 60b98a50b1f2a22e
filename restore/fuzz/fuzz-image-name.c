/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File names of images. */
#include "evidence/backup-specs.h"
#include "evidence/image-name.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *name = fuzz_text(bytes, length);
	struct image_name read = image_name_read(name);
	struct guid guid;

	fuzz_require(read.kind <= IMAGE_NAME_MBR, "a kind of name that there is not");
	fuzz_require(read.kind != IMAGE_NAME_MBR || read.offset,
		     "a volume at the disk's start");
	(void)!volume_name_parse(name, &guid);
	return 0;
}
