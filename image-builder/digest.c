/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns nettle: see digest.h. */
#include "digest.h"

#include <nettle/sha2.h>
#include <string.h>

#include <base/cleanup.h>
#include <base/text.h>

#include "sysroot.h"

static void hash(const struct content *content, uint8_t digest[SHA256_DIGEST_SIZE])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, content->length, content->bytes);
	sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
}

int digest_write(const char *path, struct err *err)
{
	AUTO(content_clear) struct content content = { 0 };
	AUTO_FREE char *name = text_format("%s.sha256", path);
	const char *slash = strrchr(path, '/');
	uint8_t digest[SHA256_DIGEST_SIZE];
	AUTO_FCLOSE FILE *file = NULL;
	int r = content_map(path, &content, NULL, err);

	if (r < 0)
		return r;
	hash(&content, digest);
	file = name ? fopen(name, "we") : NULL;
	if (!file)
		return err_errno(err, errno, "'%s.sha256': creating", path);
	for (size_t i = 0; i < sizeof(digest); i++)
		fprintf(file, "%02x", digest[i]);
	fprintf(file, "  %s\n", slash ? slash + 1 : path);
	if (fclose(TAKE_PTR(file)) != 0)
		return err_errno(err, errno, "'%s': writing", name);
	return 0;
}
