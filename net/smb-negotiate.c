/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NEGOTIATE: see smb-negotiate.h. */
#include "smb-negotiate.h"

#include <string.h>

#include <base/bytes.h>
#include <base/cleanup.h>

#include <net/nt-status.h>
#include "smb-frames.h"

#define FLAG_RESPONSE	      0x1u
#define MODE_SIGNING	      0x1u /* 2.2.3: enabled */
#define MODE_SIGNING_REQUIRED 0x2u
#define CAPABILITY_ENCRYPTION 0x40u
#define CONTEXT_PREAUTH	      1 /* 2.2.3.1 */
#define CONTEXT_ENCRYPTION    2
#define HASH_SHA512	      1
#define SALT_SIZE	      32

/* [MS-SMB2] 2.2.1.2 */
struct header_disk {
	uint8_t protocol[4]; /* 0: FE 'SMB' */
	le16 size;	     /* 4: 64 */
	le16 credit_charge;  /* 6 */
	le32 status;	     /* 8 */
	le16 command;	     /* 12: 0 */
	le16 credits;	     /* 14 */
	le32 flags;	     /* 16 */
	uint8_t rest[44];    /* 20: ids and signature */
};
_Static_assert(sizeof(struct header_disk) == 64, "[MS-SMB2] 2.2.1.2");

static const uint16_t dialects[] = { 0x0202, 0x0210, 0x0300, 0x0302, 0x0311 };
static const uint16_t ciphers[] = { 2, 1, 4, 3 }; /* GCM first */

/* 2.2.3 with our dialects, and 2.2.3.1 */
struct request_disk {
	uint8_t prefix[SMB_FRAME_PREFIX];
	struct header_disk header;
	le16 size;		 /* 64: 36 */
	le16 dialect_count;	 /* 66 */
	le16 security_mode;	 /* 68 */
	le16 reserved;		 /* 70 */
	le32 capabilities;	 /* 72 */
	uint8_t client_id[16];	 /* 76 */
	le32 context_offset;	 /* 92: from the header's start, multiple of 8 */
	le16 context_count;	 /* 96 */
	le16 reserved2;		 /* 98 */
	le16 dialects[5];	 /* 100 */
	uint8_t pad[2];		 /* 110 */
	le16 preauth_type;	 /* 112 */
	le16 preauth_length;	 /* 114: 38 */
	le32 reserved3;		 /* 116 */
	le16 hash_count;	 /* 120 */
	le16 salt_length;	 /* 122 */
	le16 hash;		 /* 124 */
	uint8_t salt[SALT_SIZE]; /* 126 */
	uint8_t pad2[2];	 /* 158 */
	le16 encryption_type;	 /* 160 */
	le16 encryption_length;	 /* 162: 10 */
	le32 reserved4;		 /* 164 */
	le16 cipher_count;	 /* 168 */
	le16 ciphers[4];	 /* 170 */
};
_Static_assert(offsetof(struct request_disk, preauth_type) == SMB_FRAME_PREFIX + 112, "");
_Static_assert(offsetof(struct request_disk, encryption_type) == SMB_FRAME_PREFIX + 160,
	       "");
_Static_assert(sizeof(struct request_disk) == SMB_FRAME_PREFIX + 178, "");
_Static_assert(sizeof(struct request_disk) <= SMB_NEGOTIATE_SIZE, "");

size_t smb_negotiate_request(const uint8_t random[48], uint8_t to[SMB_NEGOTIATE_SIZE])
{
	struct request_disk request = {
		.prefix = { 0, 0, 0, sizeof(request) - SMB_FRAME_PREFIX },
		.header = { .protocol = { 0xfe, 'S', 'M', 'B' },
			    .size = put_le16(64),
			    .credits = put_le16(1) },
		.size = put_le16(36),
		.dialect_count = put_le16(ARRAY_SIZE(dialects)),
		.security_mode = put_le16(MODE_SIGNING),
		.capabilities = put_le32(CAPABILITY_ENCRYPTION),
		.context_offset = put_le32(112),
		.context_count = put_le16(2),
		.preauth_type = put_le16(CONTEXT_PREAUTH),
		.preauth_length = put_le16(6 + SALT_SIZE),
		.hash_count = put_le16(1),
		.salt_length = put_le16(SALT_SIZE),
		.hash = put_le16(HASH_SHA512),
		.encryption_type = put_le16(CONTEXT_ENCRYPTION),
		.encryption_length = put_le16(2 + sizeof(ciphers)),
		.cipher_count = put_le16(ARRAY_SIZE(ciphers)),
	};

	memcpy(request.client_id, random, sizeof(request.client_id));
	memcpy(request.salt, random + sizeof(request.client_id), sizeof(request.salt));
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		request.dialects[i] = put_le16(dialects[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
		request.ciphers[i] = put_le16(ciphers[i]);
	memcpy(to, &request, sizeof(request));
	return sizeof(request);
}

size_t smb_negotiate_request1(uint8_t to[SMB_NEGOTIATE_SIZE])
{
	/* [MS-CIFS] 2.2.3.1: header of 32 bytes; 2.2.4.52: no words, one dialect */
	static const uint8_t dialect[] = "\x02NT LM 0.12";
	static const uint8_t header[32] = { 0xff, 'S',	      'M',	   'B',
					    0x72, [9] = 0x18, [10] = 0x01, [11] = 0xc8 };
	size_t length = sizeof(header) + 3 + sizeof(dialect);

	memset(to, 0, SMB_NEGOTIATE_SIZE);
	to[3] = (uint8_t)length;
	memcpy(to + SMB_FRAME_PREFIX, header, sizeof(header));
	to[SMB_FRAME_PREFIX + sizeof(header) + 1] = sizeof(dialect);
	memcpy(to + SMB_FRAME_PREFIX + sizeof(header) + 3, dialect, sizeof(dialect));
	return SMB_FRAME_PREFIX + length;
}

/* -- the answer ------------------------------------------------------------------- */

/* 2.2.4 */
struct answer_disk {
	struct header_disk header;
	le16 size;	       /* 64: 65 */
	le16 security_mode;    /* 66 */
	le16 dialect;	       /* 68 */
	le16 context_count;    /* 70: of 3.1.1 */
	uint8_t server_id[16]; /* 72 */
	le32 capabilities;     /* 88 */
	le32 max_transact;     /* 92 */
	le32 max_read;	       /* 96 */
	le32 max_write;	       /* 100 */
	le64 system_time;      /* 104: 100 ns since 1601 */
	le64 start_time;       /* 112 */
	le16 security_offset;  /* 120: from the header's start */
	le16 security_length;  /* 122 */
	le32 context_offset;   /* 124: from the header's start, of 3.1.1 */
};
_Static_assert(sizeof(struct answer_disk) == 128, "[MS-SMB2] 2.2.4");

struct context_disk {
	le16 type;
	le16 length;
	le32 reserved;
};
_Static_assert(sizeof(struct context_disk) == 8, "[MS-SMB2] 2.2.4.1");

#define CONTEXTS_MAX 16 /* seven kinds are defined */

#define SECONDS_1601_TO_1970 INT64_C(11644473600)
#define SECONDS_MAX	     INT64_C(253402300799) /* end of the year 9999 */

static int64_t unix_time(uint64_t filetime)
{
	int64_t seconds = (int64_t)(filetime / 10000000) - SECONDS_1601_TO_1970;

	return seconds > 0 && seconds <= SECONDS_MAX ? seconds : 0;
}

/* Mechanisms of SPNEGO as they stand in its list: object identifiers in DER. */
static const uint8_t oid_kerberos[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					0xf7, 0x12, 0x01, 0x02, 0x02 };
static const uint8_t oid_kerberos_ms[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x82,
					   0xf7, 0x12, 0x01, 0x02, 0x02 };
static const uint8_t oid_ntlm[] = { 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
				    0x01, 0x82, 0x37, 0x02, 0x02, 0x0a };

static void take_logins(const uint8_t *bytes, size_t length, size_t offset, size_t size,
			struct smb_offer *offer)
{
	if (offset > length || size > length - offset)
		return;
	bytes += offset;
	offer->kerberos = memmem(bytes, size, oid_kerberos, sizeof(oid_kerberos)) ||
			  memmem(bytes, size, oid_kerberos_ms, sizeof(oid_kerberos_ms));
	offer->ntlm = memmem(bytes, size, oid_ntlm, sizeof(oid_ntlm));
}

/* 2.2.4.1: what the server chose of our ciphers; 0 is none of them. */
static void take_cipher(const uint8_t *data, size_t length, struct smb_offer *offer)
{
	le16 values[2]; /* count, cipher */

	if (length < sizeof(values))
		return;
	memcpy(values, data, sizeof(values));
	if (get_le16(values[0]) != 1)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
		if (get_le16(values[1]) == ciphers[i])
			offer->cipher = ciphers[i];
	offer->encryption = offer->cipher;
}

static int take_contexts(const uint8_t *bytes, size_t length,
			 const struct answer_disk *answer, struct smb_offer *offer,
			 struct err *err)
{
	size_t offset = get_le32(answer->context_offset);
	unsigned count = get_le16(answer->context_count);

	if (count > CONTEXTS_MAX)
		return err_set(err, -EBADMSG, "%u negotiate contexts, at most %d", count,
			       CONTEXTS_MAX);
	for (unsigned i = 0; i < count; i++) {
		struct context_disk context;
		size_t size;

		if (offset > length || length - offset < sizeof(context))
			return err_set(err, -EBADMSG,
				       "negotiate context at %zu of %zu bytes", offset,
				       length);
		memcpy(&context, bytes + offset, sizeof(context));
		offset += sizeof(context);
		size = get_le16(context.length);
		if (size > length - offset)
			return err_set(err, -EBADMSG,
				       "negotiate context of %zu bytes at %zu of %zu",
				       size, offset, length);
		if (get_le16(context.type) == CONTEXT_ENCRYPTION)
			take_cipher(bytes + offset, size, offer);
		offset += (size + 7) & ~(size_t)7;
	}
	return 0;
}

static int check_header(const uint8_t *bytes, size_t length, struct err *err)
{
	char name[NT_STATUS_TEXT_SIZE];
	struct header_disk header;

	if (length >= 4 && memcmp(bytes, "\xffSMB", 4) == 0)
		return err_set(err, -EPROTO, "it speaks SMB 1 and nothing newer");
	if (length < sizeof(header) || memcmp(bytes, "\xfeSMB", 4) != 0)
		return err_set(err, -EBADMSG, "its answer is not one of SMB");
	memcpy(&header, bytes, sizeof(header));
	if (get_le16(header.command) != 0 || !(get_le32(header.flags) & FLAG_RESPONSE))
		return err_set(err, -EBADMSG, "command %u in the place of an answer",
			       get_le16(header.command));
	if (get_le32(header.status) != 0)
		return err_set(err, -EPROTO, "it refuses all dialects (%s)",
			       nt_status_name(get_le32(header.status), name));
	return 0;
}

int smb_negotiate_parse(const uint8_t *bytes, size_t length, struct smb_offer *ret,
			struct err *err)
{
	struct smb_offer offer = { 0 };
	struct answer_disk answer;
	bool known = false;
	int r = check_header(bytes, length, err);

	if (r < 0)
		return r;
	if (length < sizeof(answer))
		return err_set(err, -EBADMSG, "its answer has %zu bytes, must have %zu",
			       length, sizeof(answer));
	memcpy(&answer, bytes, sizeof(answer));
	offer.dialect = get_le16(answer.dialect);
	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		known |= dialects[i] == offer.dialect;
	if (!known)
		return err_set(err, -EBADMSG, "dialect 0x%04x, which was not asked for",
			       offer.dialect);
	offer.signing_required = get_le16(answer.security_mode) & MODE_SIGNING_REQUIRED;
	offer.encryption = offer.dialect >= 0x0300 && offer.dialect < 0x0311 &&
			   (get_le32(answer.capabilities) & CAPABILITY_ENCRYPTION);
	offer.time_s = unix_time(get_le64(answer.system_time));
	take_logins(bytes, length, get_le16(answer.security_offset),
		    get_le16(answer.security_length), &offer);
	if (offer.dialect == 0x0311)
		r = take_contexts(bytes, length, &answer, &offer, err);
	if (r < 0)
		return r;
	*ret = offer;
	return 0;
}

/* -- texts ------------------------------------------------------------------------ */

const char *smb_dialect_text(uint16_t dialect)
{
	static const char *const texts[ARRAY_SIZE(dialects)] = {
		"SMB 2.0.2", "SMB 2.1", "SMB 3.0", "SMB 3.0.2", "SMB 3.1.1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		if (dialects[i] == dialect)
			return texts[i];
	return "an unknown dialect";
}

const char *smb_cipher_text(const struct smb_offer *offer)
{
	static const char *const texts[] = { "AES-128-CCM", "AES-128-CCM", "AES-128-GCM",
					     "AES-256-CCM", "AES-256-GCM" };

	return texts[offer->cipher < ARRAY_SIZE(texts) ? offer->cipher : 0];
}
