/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See extras.h; the places are those of initramfs/session.h and initramfs/drivers.h. */
#include "extras.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/spawn.h>
#include <base/text.h>

#include "libraries.h"
#include "sysroot.h"

#define ANSWER_KEY    "/etc/openbmr/answer.pub"
#define CA	      "/etc/openbmr/ca.pem"
#define TRUST_NETWORK "/etc/openbmr/trust-network"
#define KEYMAP	      "/etc/openbmr/keymap"
#define LANGUAGE      "/etc/openbmr/language"
#define DRIVERS	      "/openbmr/drivers"
#define SSH_KEYS      "/root/.ssh/authorized_keys"
#define ATTACH	      "/usr/bin/bmr-attach"

static int add_host_file(const char *source, const char *path, struct root_tree *tree,
			 struct err *err)
{
	struct content content = { 0 };
	int r = content_map(source, &content, NULL, err);

	return r < 0 ? r : root_tree_add_file(tree, path, 0644, &content, err);
}

/* A wrong one would be found out when a machine is to be restored. */
static int add_answer_key(const char *path, struct root_tree *tree, struct err *err)
{
	const char *argv[] = { "openssl", "pkey",   "-pubin", "-in",
			       path,	  "-noout", "-text",  NULL };
	AUTO_FREE char *text = NULL;

	if (spawn_run(&(struct spawn){ .argv = argv }, &text, err) < 0 ||
	    !strcasestr(text, "ed25519"))
		return err_set(err, -EINVAL,
			       "'%s': must be a public Ed25519 key in PEM form ('openssl "
			       "pkey -in answer.key -pubout')",
			       path);
	return add_host_file(path, ANSWER_KEY, tree, err);
}

static bool holds(const struct content *content, const char *words)
{
	return memmem(content->bytes, content->length, words, strlen(words)) != NULL;
}

static int add_ca(const char *path, struct root_tree *tree, struct err *err)
{
	/* reads all that are in it, and writes nothing that is wanted */
	const char *argv[] = { "openssl", "crl2pkcs7", "-nocrl",    "-certfile",
			       path,	  "-out",      "/dev/null", NULL };
	struct content content = { 0 };
	int r = content_map(path, &content, NULL, err);

	if (r < 0)
		return r;
	if (holds(&content, "PRIVATE KEY-----"))
		r = err_set(err, -EINVAL,
			    "'%s': holds a private key, which is nobody's business in an "
			    "image: give the certificate alone",
			    path);
	else if (!holds(&content, "-----BEGIN CERTIFICATE-----") ||
		 spawn_run(&(struct spawn){ .argv = argv }, NULL, err) < 0)
		r = err_set(err, -EINVAL,
			    "'%s': must be certificates of authorities in PEM form",
			    path);
	if (r < 0) {
		content_clear(&content);
		return r;
	}
	return root_tree_add_file(tree, CA, 0644, &content, err);
}

static int is_driver(const struct dirent *entry)
{
	static const char *const endings[] = { ".ko", ".deb" };
	size_t length = strlen(entry->d_name);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (length > strlen(endings[i]) &&
		    strcmp(entry->d_name + length - strlen(endings[i]), endings[i]) == 0)
			return 1;
	return 0;
}

static int add_driver(const char *folder, const char *name, struct root_tree *tree,
		      struct err *err)
{
	AUTO_FREE char *source = text_format("%s/%s", folder, name);
	AUTO_FREE char *path = text_format(DRIVERS "/%s", name);

	if (!source || !path)
		return err_nomem(err);
	return add_host_file(source, path, tree, err);
}

static int add_drivers(const char *folder, struct root_tree *tree, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_driver, alphasort);
	int r = 0;

	if (count < 0)
		return err_errno(err, errno, "'%s': opening the folder", folder);
	if (count == 0)
		r = err_set(err, -ENOENT, "'%s': holds no driver (.ko or .deb)", folder);
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = add_driver(folder, entries[i]->d_name, tree, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* Its standard output alone: there are warnings as well. */
static int run_into(const char *const *argv, const char *output, struct err *err)
{
	AUTO_CLOSE int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "'%s': creating", output);
	return spawn_run(&(struct spawn){ .argv = argv, .output_fd = fd }, NULL, err);
}

/* The layout as a map of console keys: "bkeymap", which of 256 maps there are, those with 128
 * keys each. */
static int make_keymap(const char *layout, const char *text, const char *binary,
		       struct err *err)
{
	/* the consoles take Latin-1 and show it as UTF-8 */
	const char *compile[] = { "ckbcomp",  "-charmap", "ISO-8859-1",
				  "-compact", layout,	  NULL };
	const char *convert[] = { "loadkeys", "-q", "-b", text, NULL };
	int r = run_into(compile, text, err);

	if (r == -EIO)
		return err_set(err, -EINVAL,
			       "keyboard layout '%s': ckbcomp does not know it", layout);
	return r < 0 ? r : run_into(convert, binary, err);
}

static int add_keymap(const struct extras *extras, struct root_tree *tree,
		      struct err *err)
{
	AUTO_FREE char *binary = text_format("%s.bin", extras->scratch);
	int r = binary ? make_keymap(extras->keyboard, extras->scratch, binary, err)
		       : err_nomem(err);

	if (r == 0)
		r = add_host_file(binary, KEYMAP, tree, err);
	(void)unlink(extras->scratch);
	if (binary)
		(void)unlink(binary);
	return r;
}

/* Of the menu, as texts.c has them. */
static const char *const languages[] = { "en", "de" };

static int add_language(const char *id, struct root_tree *tree, struct err *err)
{
	struct content content = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(languages); i++) {
		if (strcmp(id, languages[i]) != 0)
			continue;
		content = (struct content){ .bytes = (uint8_t *)strdup(id),
					    .length = strlen(id) };
		return content.bytes
			       ? root_tree_add_file(tree, LANGUAGE, 0644, &content, err)
			       : err_nomem(err);
	}
	return err_set(err, -EINVAL, "language '%s': must be en or de", id);
}

/* -- ssh ---- */

/* Lines of authorized_keys as OpenSSH writes them, without options in front: those could name
 * commands. */
static int check_ssh_keys(const char *path, const struct content *content,
			  struct err *err)
{
	static const char *const kinds[] = { "ssh-ed25519 ", "ecdsa-sha2-nistp256 ",
					     "ecdsa-sha2-nistp384 ",
					     "ecdsa-sha2-nistp521 ", "ssh-rsa " };
	AUTO_FREE char *text = strndup(
		content->length ? (const char *)content->bytes : "", content->length);
	unsigned line = 0, keys = 0;
	char *rest = text;

	if (!text)
		return err_nomem(err);
	for (char *key = strsep(&rest, "\n"); key; key = strsep(&rest, "\n")) {
		bool known = false;

		line++;
		if (!key[0] || key[0] == '#')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			known |= strncmp(key, kinds[i], strlen(kinds[i])) == 0;
		if (!known)
			return err_set(err, -EINVAL,
				       "'%s', line %u: must be a public key as in a .pub "
				       "file ('ssh-ed25519 …')",
				       path, line);
		keys++;
	}
	return keys ? 0 : err_set(err, -EINVAL, "'%s': holds no public key", path);
}

static int add_package_program(const struct extras *extras, const char *path,
			       struct root_tree *tree, struct err *err)
{
	struct content content = { 0 };
	unsigned mode;
	int r = sysroot_read(extras->sysroot, path, &content, &mode, err);

	if (r == 0)
		r = root_tree_add_file(tree, path, mode, &content, err);
	return r < 0 ? r : libraries_add(extras->sysroot, path, tree, err);
}

static int add_ssh(const struct extras *extras, struct root_tree *tree, struct err *err)
{
	struct content content = { 0 };
	int r = content_map(extras->ssh_keys, &content, NULL, err);

	if (r < 0)
		return r;
	r = check_ssh_keys(extras->ssh_keys, &content, err);
	if (r < 0) {
		content_clear(&content);
		return r;
	}
	r = root_tree_add_file(tree, SSH_KEYS, 0600, &content, err);
	if (r == 0)
		r = add_package_program(extras, "/usr/sbin/dropbear", tree, err);
	if (r == 0)
		r = add_package_program(extras, "/usr/bin/dropbearkey", tree, err);
	return r < 0 ? r : root_tree_add_link(tree, ATTACH, "/init", err);
}

int extras_add(const struct extras *extras, struct root_tree *tree, struct err *err)
{
	struct content empty = { 0 };
	int r = 0;

	if (extras->answer_key)
		r = add_answer_key(extras->answer_key, tree, err);
	if (r == 0 && extras->ca)
		r = add_ca(extras->ca, tree, err);
	if (r == 0 && extras->trust_network)
		r = root_tree_add_file(tree, TRUST_NETWORK, 0644, &empty, err);
	if (r == 0 && extras->drivers)
		r = add_drivers(extras->drivers, tree, err);
	if (r == 0 && extras->keyboard)
		r = add_keymap(extras, tree, err);
	if (r == 0 && extras->language)
		r = add_language(extras->language, tree, err);
	if (r == 0 && extras->ssh_keys)
		r = add_ssh(extras, tree, err);
	return r;
}
