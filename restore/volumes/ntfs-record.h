/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file records without which an NTFS volume is none: $MFT, $MFTMirr, $Volume, the root
 * folder, $Bitmap. libntfs-3g passes over some damage of theirs and calls all other an
 * input/output error; these rules come first and name what is wrong.
 * Layout: the NTFS documentation of the Linux-NTFS project, "FILE record" and "attributes".
 */
#pragma once

#include <base/block-source.h>

/* What a boot sector says; sizes in bytes. */
struct ntfs_geometry {
	uint64_t clusters, mft; /* mft: offset */
	uint32_t cluster_size, record_size, index_size;
};

/* 512 bytes that volume_identify() has taken for NTFS. */
int ntfs_geometry_parse(const uint8_t *boot, struct ntfs_geometry *ret,
			struct err *err) MUST_CHECK;

/* A record as it lies on the disk, with the sectors' ends put back in place. ret_run: how many
 * bytes from its start the first run of the unnamed $DATA has; 0: none. */
int ntfs_record_check(uint8_t *record, const struct ntfs_geometry *geometry,
		      unsigned number, uint64_t *ret_run, struct err *err) MUST_CHECK;

/* Looks at all of them; texts begin with the volume's name. */
int ntfs_records_check(struct block_source *volume, struct err *err) MUST_CHECK;
