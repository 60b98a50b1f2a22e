# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as Windows 10 compresses them ("compact /exe:lzx"), by wimlib's compressors: the unnamed stream is
a hole as long as the file, the content is in a stream of its own."""

import ctypes
import os
import struct

from . import ntfs

WOF_TAG = 0x80000017

# name: (number on disk, wimlib's type, size of a chunk)
ALGORITHMS = {"XPRESS4K": (0, 1, 4096), "LZX": (1, 2, 32768), "XPRESS8K": (2, 1, 8192), "XPRESS16K": (3, 1, 16384)}


def pack(data: bytes, algorithm: str) -> bytes:
    """The stream WofCompressedData."""
    _, kind, size = ALGORITHMS[algorithm]
    library = ctypes.CDLL("libwim.so.15")
    library.wimlib_compress.restype = ctypes.c_size_t
    compressor = ctypes.c_void_p()
    if library.wimlib_create_compressor(kind, ctypes.c_size_t(size), 0, ctypes.byref(compressor)):
        raise RuntimeError("wimlib_create_compressor")
    chunks, room = [], ctypes.create_string_buffer(size)
    for at in range(0, len(data), size):
        chunk = data[at:at + size]
        length = library.wimlib_compress(chunk, ctypes.c_size_t(len(chunk)), room, ctypes.c_size_t(len(chunk) - 1),
                                         compressor)
        chunks.append(room.raw[:length] if length else chunk)
    library.wimlib_free_compressor(compressor)
    offsets = [sum(map(len, chunks[:1 + number])) for number in range(len(chunks) - 1)]
    return b"".join(struct.pack("<I", offset) for offset in offsets) + b"".join(chunks)


def make(path: str, data: bytes, algorithm: str) -> None:
    """On a mounted volume."""
    with open(path, "wb") as file:
        file.truncate(len(data))
    with open(path + ":WofCompressedData", "wb") as file:
        file.write(pack(data, algorithm))
    os.setxattr(path, ntfs.ATTRIBUTES, struct.pack(">I", 0x220))
    ntfs.set_reparse(path, WOF_TAG, struct.pack("<IIII", 1, 2, 1, ALGORITHMS[algorithm][0]))
