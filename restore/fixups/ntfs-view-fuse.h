/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between a virtual NTFS volume and the file system that shows it (libfuse3). */
#pragma once

#include "ntfs-view.h"

/* The view's side: whole requests within its size; 0 or negative errno. */
uint64_t view_size(const struct ntfs_view *view);
int view_read(struct ntfs_view *view, void *buffer, uint64_t offset, size_t length);
int view_write(struct ntfs_view *view, const void *bytes, uint64_t offset, size_t length);

/* The server's side. fd is taken over, on failure too. */
struct view_server;
int view_server_new(struct ntfs_view *view, int fd, struct view_server **ret,
		    struct err *err) MUST_CHECK;
void view_server_free(struct view_server *server); /* NULL is fine */
int view_server_run(struct view_server *server, const char *const *argv, char **ret_output,
		    struct err *err) MUST_CHECK;
