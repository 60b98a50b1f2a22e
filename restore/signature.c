/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns GnuTLS: see signature.h. */
#include <restore/signature.h>

#include <gnutls/abstract.h>

#include <base/block-source.h>
#include <base/cleanup.h>

#define KEY_BYTES_MAX 4096 /* a PEM of an Ed25519 key has 113 */

static void pubkey_freep(gnutls_pubkey_t *key)
{
	if (*key)
		gnutls_pubkey_deinit(*key);
}

/* *ret_length is at most room. */
static int read_small(const char *path, void *bytes, size_t room, size_t *ret_length,
		      struct err *err)
{
	AUTO(source_freep) struct block_source *file = NULL;
	int r = source_file_open(path, &file, err);

	if (r < 0)
		return r;
	if (file->size > room)
		return err_set(err, -EINVAL, "'%s': %llu bytes, must be at most %zu",
			       path, (unsigned long long)file->size, room);
	*ret_length = (size_t)file->size;
	return source_read(file, bytes, 0, file->size, err);
}

static int read_key(const char *path, gnutls_pubkey_t *key, struct err *err)
{
	unsigned char bytes[KEY_BYTES_MAX];
	gnutls_datum_t pem = { .data = bytes };
	size_t length = 0;
	int r = read_small(path, bytes, sizeof(bytes), &length, err);

	if (r == -ENOENT)
		return err_set(err, -EACCES,
			       "'%s': no key to check answer files with: make the image "
			       "with --answer-key",
			       path);
	if (r < 0)
		return r;
	pem.size = (unsigned)length;
	if (gnutls_pubkey_init(key) < 0)
		return err_nomem(err);
	if (gnutls_pubkey_import(*key, &pem, GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_pubkey_get_pk_algorithm(*key, NULL) != GNUTLS_PK_EDDSA_ED25519)
		return err_set(err, -EINVAL,
			       "'%s': must be a public Ed25519 key in PEM form", path);
	return 0;
}

int signature_check(const struct signed_bytes *what, const char *signature_path,
		    const char *key_path, struct err *err)
{
	AUTO(pubkey_freep) gnutls_pubkey_t key = NULL;
	unsigned char bytes[SIGNATURE_LENGTH];
	const gnutls_datum_t data = { (unsigned char *)what->bytes,
				      (unsigned)what->length };
	const gnutls_datum_t signature = { bytes, sizeof(bytes) };
	size_t length = 0;
	int r = read_key(key_path, &key, err);

	if (r < 0)
		return r;
	r = read_small(signature_path, bytes, sizeof(bytes), &length, err);
	if (r == -ENOENT)
		return err_set(err, -EACCES,
			       "'%s': no signature '%s': sign the file, or follow it by "
			       "hand",
			       what->name, signature_path);
	if (r < 0)
		return r;
	if (length != sizeof(bytes) ||
	    gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
				       &signature) < 0)
		return err_set(err, -EACCES,
			       "'%s': not signed by the key '%s': the file was changed, "
			       "or another key signed it",
			       what->name, key_path);
	return 0;
}
