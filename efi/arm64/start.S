/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the firmware enters on arm64 (AAPCS64: x0 is the image's handle, x1 the system table):
 * relocates the program to where it was loaded, then calls efi_main. Stands in for GNU-EFI's
 * crt0, which is a PE header written by hand at the same time.
 */
	.text
	.globl	_start
	.type	_start, %function
_start:
	bti	c
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	stp	x0, x1, [sp, #16]
	/* _relocate(address of the image, its dynamic section, handle, system table) */
	mov	x2, x0
	mov	x3, x1
	adrp	x0, ImageBase
	add	x0, x0, #:lo12:ImageBase
	adrp	x1, _DYNAMIC
	add	x1, x1, #:lo12:_DYNAMIC
	bl	_relocate
	cbnz	x0, 1f
	ldp	x0, x1, [sp, #16]
	bl	efi_main
1:	ldp	x29, x30, [sp], #32
	ret
	.size	_start, . - _start

	/* A table of relocations with nothing to do: firmware moves no image without one. */
	.section .reloc, "a"
	.4byte	0	/* page */
	.4byte	12	/* bytes of this block */
	.4byte	0	/* two entries: do nothing */

	.section .note.GNU-stack, "", %progbits
