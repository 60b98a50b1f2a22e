# SPDX-License-Identifier: GPL-3.0-or-later
"""Generator of WindowsImageBackup trees for the tests.

Written from FORMAT.md and the public specifications ([MS-VHDX], the VHD image format
specification, the published descriptions of the registry file format, UEFI's GPT). It shares
no code and no constants with the readers in C: a fact that both sides got wrong must not
cancel out, so every number here was taken from the specification once more.
"""
