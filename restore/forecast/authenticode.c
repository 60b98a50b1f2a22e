/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed programs and a firmware's db and dbx: see authenticode.h. */
#include "authenticode.h"

#include <gnutls/crypto.h>
#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>
#include <string.h>

#include <base/cleanup.h>

#include "der.h"
#include "pe.h"

#define DIGEST_MAX 64 /* SHA-512 */
#define CHAIN_MAX  8  /* certificates from signer to db; Windows has two */
#define CERTS_MAX  32 /* in one signature */

/* Firmware knows no time, and db holds what its maker trusts, however old. */
#define VERIFY_FLAGS                                                                     \
	(GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS | \
	 GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_ALLOW_ANY_X509_V1_CA_CRT)

/* What a signature can say that it hashed by: the contents of the object identifiers. */
static const struct digest_kind {
	gnutls_digest_algorithm_t algorithm;
	uint8_t length;
	uint8_t oid[9];
} digest_kinds[] = {
	{ GNUTLS_DIG_SHA256,
	  9,
	  { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 } },
	{ GNUTLS_DIG_SHA384,
	  9,
	  { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 } },
	{ GNUTLS_DIG_SHA512,
	  9,
	  { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 } },
	{ GNUTLS_DIG_SHA1, 5, { 0x2b, 0x0e, 0x03, 0x02, 0x1a } },
};

/* One signature of a program, open. */
struct signature {
	gnutls_pkcs7_t pkcs7;
	size_t count;
	gnutls_x509_crt_t certs[CERTS_MAX];
	gnutls_x509_crt_t signer; /* one of certs */
};

static void signature_clear(struct signature *signature)
{
	for (size_t i = 0; i < signature->count; i++)
		gnutls_x509_crt_deinit(signature->certs[i]);
	if (signature->pkcs7)
		gnutls_pkcs7_deinit(signature->pkcs7);
}

static void datum_clear(gnutls_datum_t *datum)
{
	gnutls_free(datum->data);
}

static int damaged(struct err *err)
{
	return err_set(err, -EBADMSG, "its signature is damaged");
}

/* -- the program's own hash ---- */

static int hash_program(const uint8_t *bytes, const struct pe_image *image,
			gnutls_digest_algorithm_t algorithm, uint8_t *digest,
			struct err *err)
{
	gnutls_hash_hd_t hash;

	if (gnutls_hash_init(&hash, algorithm) < 0)
		return err_nomem(err);
	for (size_t i = 0; i < image->signed_count; i++)
		gnutls_hash(hash, bytes + image->signed_ranges[i].offset,
			    image->signed_ranges[i].length);
	gnutls_hash_deinit(hash, digest);
	return 0;
}

static const struct digest_kind *find_kind(const struct der *oid)
{
	for (size_t i = 0; i < ARRAY_SIZE(digest_kinds); i++)
		if (oid->left == digest_kinds[i].length &&
		    memcmp(oid->at, digest_kinds[i].oid, oid->left) == 0)
			return &digest_kinds[i];
	return NULL;
}

/* SpcIndirectDataContent: SEQUENCE { what, SEQUENCE { SEQUENCE { OID … }, OCTET STRING } }, with
 * or without the outer header. */
static bool find_claim(const gnutls_datum_t *content, const struct digest_kind **ret_kind,
		       struct der *ret_digest)
{
	struct der all = { content->data, content->size };
	struct der inner, what, info, algorithm, oid;

	inner = all;
	if (der_take(&all, DER_SEQUENCE, &what, NULL) && !all.left)
		inner = what;
	if (!der_take(&inner, DER_SEQUENCE, &what, NULL) ||
	    !der_take(&inner, DER_SEQUENCE, &info, NULL) ||
	    !der_take(&info, DER_SEQUENCE, &algorithm, NULL) ||
	    !der_take(&algorithm, DER_OID, &oid, NULL) ||
	    !der_take(&info, DER_OCTET_STRING, ret_digest, NULL))
		return false;
	*ret_kind = find_kind(&oid);
	return *ret_kind;
}

/* Does the signature speak of this very program? */
static int check_claim(const struct signature *signature, const uint8_t *bytes,
		       const struct pe_image *image, struct err *err)
{
	AUTO(datum_clear) gnutls_datum_t content = { 0 };
	const struct digest_kind *kind;
	uint8_t digest[DIGEST_MAX];
	struct der claimed;
	int r;

	if (gnutls_pkcs7_get_embedded_data(signature->pkcs7, 0, &content) < 0 ||
	    !find_claim(&content, &kind, &claimed))
		return damaged(err);
	r = hash_program(bytes, image, kind->algorithm, digest, err);
	if (r < 0)
		return r;
	if (claimed.left != (size_t)gnutls_hash_get_len(kind->algorithm) ||
	    memcmp(claimed.at, digest, claimed.left) != 0)
		return err_set(err, -EBADMSG, "it was changed after it was signed");
	return 0;
}

/* -- the signature ---- */

static bool add_certificate(struct signature *signature, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t *cert = &signature->certs[signature->count];

	if (gnutls_x509_crt_init(cert) < 0)
		return false;
	signature->count++;
	return gnutls_x509_crt_import(*cert, der, GNUTLS_X509_FMT_DER) == 0;
}

static bool load_certificates(struct signature *signature)
{
	int count = gnutls_pkcs7_get_crt_count(signature->pkcs7);

	for (int i = 0; i < count && i < CERTS_MAX; i++) {
		AUTO(datum_clear) gnutls_datum_t der = { 0 };

		if (gnutls_pkcs7_get_crt_raw2(signature->pkcs7, (unsigned)i, &der) < 0 ||
		    !add_certificate(signature, &der))
			return false;
	}
	return count > 0;
}

/* The certificate whose key made it: the signature names it, but trying tells as much. */
static bool find_signer(struct signature *signature)
{
	for (size_t i = 0; i < signature->count; i++)
		if (gnutls_pkcs7_verify_direct(signature->pkcs7, signature->certs[i], 0,
					       NULL, VERIFY_FLAGS) >= 0) {
			signature->signer = signature->certs[i];
			return true;
		}
	return false;
}

static int signature_open(const uint8_t *bytes, const struct pe_image *image,
			  const struct pe_range *range, struct signature *signature,
			  struct err *err)
{
	struct der entry = { bytes + range->offset, range->length }, content, whole;
	gnutls_datum_t der;

	/* Microsoft's signer fills the entry up with zeros, which GnuTLS does not take. */
	if (!der_take(&entry, DER_SEQUENCE, &content, &whole))
		return damaged(err);
	der = (gnutls_datum_t){ (unsigned char *)whole.at, (unsigned)whole.left };
	if (gnutls_pkcs7_init(&signature->pkcs7) < 0)
		return err_nomem(err);
	if (gnutls_pkcs7_import(signature->pkcs7, &der, GNUTLS_X509_FMT_DER) < 0 ||
	    !load_certificates(signature))
		return damaged(err);
	if (!find_signer(signature))
		return err_set(err, -EBADMSG,
			       "its signature was not made by the key it names");
	return check_claim(signature, bytes, image, err);
}

static char *name_of(gnutls_x509_crt_t cert)
{
	char name[256];
	size_t size = sizeof(name);

	if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
					  &size) < 0)
		return strdup("a certificate without a name");
	return strdup(name);
}

/* -- who vouches for it ---- */

/* A list, and what is looked for in it. */
struct search {
	const uint8_t *digest; /* SHA-256 of the program; or */
	gnutls_x509_crt_t cert;
};

static bool is_hash(const struct signature_entry *entry, const uint8_t *digest)
{
	return entry->length >= 32 && memcmp(entry->bytes, digest, 32) == 0;
}

/* SHA-256 of the part of a certificate that is signed. */
static bool hash_signed_part(gnutls_x509_crt_t cert, uint8_t digest[32])
{
	AUTO(datum_clear) gnutls_datum_t raw = { 0 };
	struct der der, content, part, whole;

	if (gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &raw) < 0)
		return false;
	der = (struct der){ raw.data, raw.size };
	return der_take(&der, DER_SEQUENCE, &content, NULL) &&
	       der_take(&content, DER_SEQUENCE, &part, &whole) &&
	       gnutls_hash_fast(GNUTLS_DIG_SHA256, whole.at, whole.left, digest) == 0;
}

/* The certificate itself, or one whose key signed it. */
static bool is_vouched_by(gnutls_x509_crt_t cert, const struct signature_entry *entry)
{
	gnutls_datum_t der = { (unsigned char *)entry->bytes, (unsigned)entry->length };
	gnutls_x509_crt_t other;
	unsigned status = 1;
	bool found = false;

	if (gnutls_x509_crt_init(&other) < 0)
		return false;
	if (gnutls_x509_crt_import(other, &der, GNUTLS_X509_FMT_DER) == 0)
		found = gnutls_x509_crt_equals(cert, other) ||
			(gnutls_x509_crt_verify(cert, &other, 1, VERIFY_FLAGS, &status) ==
				 0 &&
			 status == 0);
	gnutls_x509_crt_deinit(other);
	return found;
}

static int look_at(const struct signature_entry *entry, void *context)
{
	const struct search *search = context;
	uint8_t digest[32];

	if (search->digest)
		return entry->kind == SIGNATURE_SHA256 && is_hash(entry, search->digest);
	if (entry->kind == SIGNATURE_X509)
		return is_vouched_by(search->cert, entry);
	if (entry->kind == SIGNATURE_X509_SHA256)
		return hash_signed_part(search->cert, digest) && is_hash(entry, digest);
	return 0;
}

/* 1: found. */
static int find_in(const struct signature_list *list, const char *what,
		   const struct search *search, struct err *err)
{
	return signature_list_walk(list, what, look_at, (void *)search, err);
}

static gnutls_x509_crt_t issuer_of(const struct signature *signature,
				   gnutls_x509_crt_t cert)
{
	for (size_t i = 0; i < signature->count; i++) {
		unsigned status = 1;

		if (signature->certs[i] != cert &&
		    gnutls_x509_crt_verify(cert, &signature->certs[i], 1, VERIFY_FLAGS,
					   &status) == 0 &&
		    status == 0)
			return signature->certs[i];
	}
	return NULL;
}

static int judge_chain(const struct signature *signature,
		       const struct authenticode_store *store, const char *signer,
		       struct err *err)
{
	gnutls_x509_crt_t cert = signature->signer;
	bool trusted = false;

	for (unsigned i = 0; cert && i < CHAIN_MAX; i++) {
		struct search search = { .cert = cert };
		int r = find_in(&store->dbx, "dbx", &search, err);

		if (r > 0)
			return err_set(
				err, -EKEYREVOKED,
				"signed by '%s', which this firmware's dbx revokes",
				signer);
		if (r == 0 && !trusted)
			r = find_in(&store->db, "db", &search, err);
		if (r < 0)
			return r;
		trusted |= r > 0;
		cert = issuer_of(signature, cert);
	}
	if (trusted)
		return 0;
	return err_set(err, -EKEYREJECTED,
		       "signed by '%s', whom this firmware's db does not trust", signer);
}

static int judge_signature(const uint8_t *bytes, const struct pe_image *image,
			   const struct pe_range *range,
			   const struct authenticode_store *store, char **ret_signer,
			   struct err *err)
{
	AUTO(signature_clear) struct signature signature = { 0 };
	AUTO_FREE char *signer = NULL;
	int r = signature_open(bytes, image, range, &signature, err);

	if (r < 0)
		return r;
	signer = name_of(signature.signer);
	if (!signer)
		return err_nomem(err);
	r = store ? judge_chain(&signature, store, signer, err) : 0;
	if (r == 0 && ret_signer)
		*ret_signer = TAKE_PTR(signer);
	return r;
}

/* One signature that is good is enough; what was wrong with the last one is told. */
static int judge_signatures(const uint8_t *bytes, const struct pe_image *image,
			    const struct authenticode_store *store, char **ret_signer,
			    struct err *err)
{
	struct pe_range range;
	size_t at = 0;
	int verdict = err_set(err, -ENODATA, "it is not signed"), r;

	while ((r = pe_next_signature(bytes, image, &at, &range, err)) == 0) {
		verdict = judge_signature(bytes, image, &range, store, ret_signer, err);
		if (verdict == 0 || verdict == -EKEYREVOKED)
			return verdict;
	}
	return r == -ENOENT ? verdict : r;
}

int authenticode_judge(const uint8_t *bytes, size_t length,
		       const struct authenticode_store *store, char **ret_signer,
		       struct err *err)
{
	struct pe_image image;
	uint8_t digest[DIGEST_MAX];
	struct search search = { .digest = digest };
	int r = pe_parse(bytes, length, &image, err);

	if (r == 0)
		r = hash_program(bytes, &image, GNUTLS_DIG_SHA256, digest, err);
	if (r == 0)
		r = find_in(&store->dbx, "dbx", &search, err);
	if (r > 0)
		return err_set(err, -EKEYREVOKED,
			       "this very program is revoked by this firmware's dbx");
	if (r == 0)
		r = find_in(&store->db, "db", &search, err);
	if (r <= 0)
		return r < 0 ? r
			     : judge_signatures(bytes, &image, store, ret_signer, err);
	if (ret_signer)
		*ret_signer = strdup("");
	return ret_signer && !*ret_signer ? err_nomem(err) : 0;
}

int authenticode_check(const uint8_t *bytes, size_t length, char **ret_signer,
		       struct err *err)
{
	struct pe_image image;
	int r = pe_parse(bytes, length, &image, err);

	return r < 0 ? r : judge_signatures(bytes, &image, NULL, ret_signer, err);
}
