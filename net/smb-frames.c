/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may pass between an SMB client and a server: see smb-frames.h. */
#include "smb-frames.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>

#include <net/nt-status.h>

/* [MS-SMB2] 2.2.1.2; in 2.2.1.1 channel sequence and reserved stand in status's place */
struct smb_header_disk {
	uint8_t protocol[4];   /* 0: FE 'SMB' */
	le16 size;	       /* 4: 64 */
	le16 credit_charge;    /* 6 */
	le32 status;	       /* 8: 0 is success */
	le16 command;	       /* 12 */
	le16 credits;	       /* 14 */
	le32 flags;	       /* 16 */
	le32 next_command;     /* 20: offset of the next one in this frame; 0: none */
	le64 message_id;       /* 24 */
	le64 async_id;	       /* 32 */
	le64 session_id;       /* 40 */
	uint8_t signature[16]; /* 48 */
};
_Static_assert(sizeof(struct smb_header_disk) == SMB_FRAME_HEAD, "[MS-SMB2] 2.2.1");

#define COMMAND_NEGOTIATE     0
#define COMMAND_SESSION_SETUP 1
#define COMMAND_TREE_CONNECT  3
#define COMMAND_CREATE	      5
#define COMMAND_READ	      8
#define COMMAND_CANCEL	      12
#define COMMAND_ECHO	      13
#define FLAG_RESPONSE	      0x1u
#define FLAG_SIGNED	      0x8u

static const uint8_t protocol_clear[4] = { 0xfe, 'S', 'M', 'B' };
static const uint8_t protocol_encrypted[4] = { 0xfd, 'S', 'M', 'B' };

int smb_frame_length(const uint8_t prefix[SMB_FRAME_PREFIX], uint32_t *ret,
		     struct err *err)
{
	uint32_t length =
		(uint32_t)prefix[1] << 16 | (uint32_t)prefix[2] << 8 | prefix[3];

	/* RFC 1002: 0 is a message of a session; others belong to port 139. */
	if (prefix[0] != 0)
		return err_set(err, -EBADMSG, "a frame of type %u, must be 0", prefix[0]);
	if (length < sizeof(protocol_clear))
		return err_set(err, -EBADMSG, "a frame of %" PRIu32 " bytes", length);
	*ret = length;
	return 0;
}

/* 2.2.2: the longest body of an answer to ECHO, an error's; a request's has 4 bytes. */
#define ECHO_BODY_MAX 9

/* An ECHO belongs to no session, so that the library sends it in the clear whatever was
 * agreed on, to see whether the server is still there; it carries nothing. */
static bool is_echo(const struct smb_header_disk *header, uint32_t length)
{
	return get_le16(header->command) == COMMAND_ECHO &&
	       get_le32(header->next_command) == 0 &&
	       length <= sizeof(*header) + ECHO_BODY_MAX;
}

static int check_login(struct smb_watch *watch, enum smb_direction direction,
		       const struct smb_header_disk *header, struct err *err)
{
	uint16_t command = get_le16(header->command);

	if (command > COMMAND_SESSION_SETUP || get_le32(header->next_command) != 0)
		return err_set(err, -EPROTO, "'%s': command %u before the login",
			       watch->host, command);
	if (direction == SMB_TO_CLIENT && command == COMMAND_SESSION_SETUP &&
	    (get_le32(header->flags) & FLAG_RESPONSE) && get_le32(header->status) == 0)
		watch->in_session = true;
	return 0;
}

static int check_session(struct smb_watch *watch, enum smb_direction direction,
			 const struct smb_header_disk *header, struct err *err)
{
	uint16_t command = get_le16(header->command);

	if (watch->require_encryption)
		return err_set(err, -EPROTO,
			       "'%s': the server does not encrypt: use encrypt = "
			       "if-offered, or turn encryption on for the whole server",
			       watch->host);
	/* What is not signed may be answers that are not final; the client knows which. */
	if (direction == SMB_TO_SERVER && command != COMMAND_CANCEL &&
	    !(get_le32(header->flags) & FLAG_SIGNED))
		return err_set(err, -EPROTO,
			       "'%s': the connection is neither encrypted nor signed (a "
			       "guest's?): use an account of the server",
			       watch->host);
	watch->seen_clear = true;
	return 0;
}

static void note_failure(struct smb_watch *watch, const struct smb_header_disk *header)
{
	uint32_t status = get_le32(header->status);

	if (!(get_le32(header->flags) & FLAG_RESPONSE) || !nt_status_is_error(status))
		return;
	switch (get_le16(header->command)) {
	case COMMAND_SESSION_SETUP:
		watch->failed[SMB_MATTER_LOGIN] = status;
		break;
	case COMMAND_TREE_CONNECT:
		watch->failed[SMB_MATTER_SHARE] = status;
		break;
	case COMMAND_CREATE:
	case COMMAND_READ:
		watch->failed[SMB_MATTER_FILE] = status;
		break;
	}
}

int smb_watch_frame(struct smb_watch *watch, enum smb_direction direction,
		    const uint8_t *head, uint32_t length, struct err *err)
{
	struct smb_header_disk header;

	if (length >= sizeof(protocol_encrypted) && watch->in_session &&
	    memcmp(head, protocol_encrypted, sizeof(protocol_encrypted)) == 0) {
		watch->seen_encrypted = true;
		return 0;
	}
	if (length < sizeof(header) ||
	    memcmp(head, protocol_clear, sizeof(protocol_clear)) != 0)
		return err_set(err, -EPROTO,
			       "'%s': a frame that is not SMB2 or SMB3, or out of turn",
			       watch->host);
	memcpy(&header, head, sizeof(header));
	if (direction == SMB_TO_CLIENT)
		note_failure(watch, &header);
	if (watch->in_session && is_echo(&header, length))
		return 0;
	if (watch->in_session)
		return check_session(watch, direction, &header, err);
	return check_login(watch, direction, &header, err);
}
