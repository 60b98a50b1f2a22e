/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames as the relay sees them: the first byte says whether encryption is required; then for
 * each frame a byte for the direction, its prefix and as much of it as there is.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "smb-frames.h"

/* Nothing but what the policy says may pass. */
static void check(const struct smb_watch *before, const uint8_t *head)
{
	bool clear = head[0] == 0xfe && head[12] != 13; /* ECHO */

	fuzz_require(head[0] == 0xfe || head[0] == 0xfd,
		     "a frame of another protocol passed");
	fuzz_require(!before->in_session || !before->require_encryption || !clear,
		     "a frame in the clear passed");
	fuzz_require(before->in_session || (clear && head[12] <= 1 && head[13] == 0),
		     "a command passed before the login");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct smb_watch watch = { .host = "nas",
				   .require_encryption = length && *bytes & 1 };
	struct err err = { 0 };

	for (size_t at = 1; at + 1 + SMB_FRAME_PREFIX < length;) {
		enum smb_direction direction =
			bytes[at] & 1 ? SMB_TO_CLIENT : SMB_TO_SERVER;
		struct smb_watch before = watch;
		uint32_t size = 0;
		size_t part;

		if (smb_frame_length(bytes + at + 1, &size, &err) < 0)
			return 0;
		at += 1 + SMB_FRAME_PREFIX;
		part = size < length - at ? size : length - at;
		if (smb_watch_frame(&watch, direction, bytes + at, (uint32_t)part, &err) <
		    0)
			return 0;
		check(&before, bytes + at);
		at += part;
	}
	return 0;
}
