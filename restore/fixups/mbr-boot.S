/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first 440 bytes of an MBR disk: what a BIOS starts. No image of a backup holds them. It
 * moves out of the way, finds the active partition, loads its boot sector to 0:7C00 by the
 * INT 13h extensions (so that any LBA of 32 bits can be reached) and jumps there, with DL the
 * drive and DS:SI the table entry, as boot sectors expect it. Else it says what is wrong.
 *
 * Written for this project; it has to do with Windows no more than any other system's.
 */
#define LOADED	  0x7c00 /* where a BIOS puts LBA 0, and where a boot sector wants to be */
#define MOVED	  0x0600
#define ENTRIES	  446	 /* of the table in LBA 0 */
#define SIGNATURE 0xaa55
#define LIMIT	  440	 /* the disk signature follows */

#define ADDRESS(label) (MOVED + label - mbr_boot_code)

	.section .rodata
	.globl mbr_boot_code
	.type mbr_boot_code, @object
	.size mbr_boot_code, LIMIT
	.code16
mbr_boot_code:
	cli
	xorw	%ax, %ax
	movw	%ax, %ss
	movw	$LOADED, %sp
	movw	%ax, %ds
	movw	%ax, %es
	sti
	cld
	movw	$LOADED, %si
	movw	$MOVED, %di
	movw	$256, %cx
	rep movsw
	ljmp	$0, $ADDRESS(moved)

moved:
	movw	$(MOVED + ENTRIES), %bp
	movw	$4, %cx
next_entry:
	testb	$0x80, (%bp)
	jnz	active
	addw	$16, %bp
	loop	next_entry
	movw	$ADDRESS(text_no_active), %si
	jmp	fail

active:
	movb	$0x41, %ah		/* are there INT 13h extensions? */
	movw	$0x55aa, %bx
	int	$0x13
	movw	$ADDRESS(text_no_lba), %si
	jc	fail
	cmpw	$SIGNATURE, %bx
	jne	fail
	testb	$1, %cl
	jz	fail

	pushl	$0			/* the packet: LBA of 64 bits, */
	pushl	8(%bp)			/* of which the entry has 32; */
	pushl	$LOADED			/* segment 0 and offset; */
	pushw	$1			/* sectors; */
	pushw	$16			/* its own size */
	movw	%sp, %si
	movb	$0x42, %ah
	int	$0x13
	movw	$ADDRESS(text_read), %si
	jc	fail
	addw	$16, %sp
	movw	$ADDRESS(text_no_boot), %si
	cmpw	$SIGNATURE, LOADED + 510
	jne	fail
	movw	%bp, %si
	ljmp	$0, $LOADED

fail:
	pushw	%si
	movw	$ADDRESS(text_prefix), %si
	call	print
	popw	%si
	call	print
halt:
	hlt
	jmp	halt

print:
	lodsb
	testb	%al, %al
	jz	printed
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	jmp	print
printed:
	ret

text_prefix:
	.asciz	"\r\nDisk cannot be started: "
text_no_active:
	.asciz	"no partition is active\r\n"
text_no_lba:
	.asciz	"the BIOS has no LBA access\r\n"
text_read:
	.asciz	"the active partition cannot be read\r\n"
text_no_boot:
	.asciz	"the active partition has no boot sector\r\n"
	.org	mbr_boot_code + LIMIT, 0

	.section .note.GNU-stack, "", @progbits
