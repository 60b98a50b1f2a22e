# openbmr: rules, flavours and layers. What belongs to a folder is listed in its module.mk.
#
# The include path is the architecture: a library is compiled with the public headers of
# the layers it may see and no others, so that a forbidden include does not compile.

FLAVOUR ?= release
CC      ?= gcc
HOSTPY  := /usr/bin/python3
Q       := $(if $(V),,@)

# -- architecture: make ARCH=arm64 builds the same for 64-bit ARM, in a folder of its own -----

ARCH ?= amd64
triplet_amd64 := x86_64-linux-gnu
triplet_arm64 := aarch64-linux-gnu
triplet := $(triplet_$(ARCH))
$(if $(triplet),,$(error ARCH '$(ARCH)': must be amd64 or arm64))
cross   := $(if $(filter-out amd64,$(ARCH)),$(triplet)-)

top := build$(if $(cross),/$(ARCH))
out := $(top)/$(FLAVOUR)
bin := $(if $(filter release,$(FLAVOUR)),$(top),$(out))
$(if $(cross),$(eval include image-builder/cross.mk))

# -- layers -------------------------------------------------------------------------------

libraries := restore net partition base

base_dir           := restore/base
base_sees          :=
base_packages      := libseccomp liburing
partition_dir      := partition
partition_sees     := base
partition_packages := fdisk blkid
net_dir            := net
net_sees           := base
net_packages       := smbclient gnutls
restore_dir        := restore
restore_sees       := partition base
# of libwim.a the decompressors alone: restore/volumes/unpack.c
restore_static     := -l:libwim.a
restore_packages   := expat fuse3 hivex jansson libntfs-3g libvshadow libbfio libxxhash libzstd nettle gnutls \
	efivar efiboot

# Programs stand above the libraries and may use all that they name.
programs := bmr bmr-image init

bmr_dir            := restore/cli
bmr_uses           := restore net partition base
bmr_packages       := libkmod libnewt slang jansson libqrencode
bmr-image_dir      := image-builder
bmr-image_uses     := partition base
bmr-image_packages := libkmod libzstd libelf jansson nettle
init_dir           := initramfs
init_uses          := base
init_packages      := libkmod

include $(foreach m,$(libraries) $(programs),$($(m)_dir)/module.mk)
include efi/module.mk qemu-tests/module.mk

# -- flavours -----------------------------------------------------------------------------

warnings := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings \
	-Wimplicit-fallthrough -Wnull-dereference -Wno-unused-parameter \
	-Wno-missing-field-initializers $(if $(CI),-Werror)
common   := -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -g -fno-strict-aliasing $(warnings)

hardening_amd64 := -fcf-protection
hardening_arm64 := -mbranch-protection=standard
flags_release   := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	$(hardening_$(ARCH)) -fPIE
ldflags_release := -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
flags_asan      := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
ldflags_asan    := -fsanitize=address,undefined -Wl,--as-needed
# gcc 12 loses pointers that are stored in elements of an array and calls them leaks; leaks
# are found by the unit tests, which run under ASan. It also takes variables with a cleanup
# that are set in their declaration for uninitialised when a function is inlined; the ordinary
# -Wmaybe-uninitialized stays.
flags_analyze   := -O1 -fanalyzer -Wno-analyzer-malloc-leak \
	-Wno-analyzer-use-of-uninitialized-value -Werror

# libFuzzer is clang's, whose warnings are left to clang-tidy.
flags_fuzz      := -O1 -Wno-error -Wno-format-nonliteral -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,address,undefined -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
ldflags_fuzz    := -fsanitize=fuzzer,address,undefined
# The same without sanitizers, and the lines that ran are counted.
flags_coverage   := -O1 -Wno-error -Wno-format-nonliteral -fsanitize=fuzzer-no-link \
	-fprofile-instr-generate -fcoverage-mapping -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
ldflags_coverage := -fsanitize=fuzzer -fprofile-instr-generate
fuzzing := $(filter fuzz coverage,$(FLAVOUR))
$(if $(fuzzing),$(eval CC := clang))

compile_flags := $(common) $(flags_$(FLAVOUR))
link_flags    := $(ldflags_$(FLAVOUR))

pkg_config ?= pkg-config
pkg_cflags = $(if $(strip $(1)),$(shell $(pkg_config) --cflags $(1)))
pkg_libs   = $(if $(strip $(1)),$(shell $(pkg_config) --libs $(1)))
headers_of = $(foreach l,$(1),-I$($(l)_dir)/include)
closure_of = $(foreach l,$(1),$(out)/lib$(l).a)
packages_of = $(foreach l,$(1),$($(l)_packages))
static_of = $(foreach l,$(1),$($(l)_static))

# -- rules --------------------------------------------------------------------------------

all: programs efi  ## Build build/bmr, build/bmr-image, build/openbmr.efi's parts and the boot application

archives := $(foreach l,$(libraries),$(if $($(l)_sources),$(out)/lib$(l).a))

programs: $(archives) $(foreach p,$(programs),$(if $($(p)_sources),$(bin)/$(p)))  ## Build the programs for this host

# What is in assembler is code for a BIOS, data to all others: an object of x86 turned into one of
# this machine, whose number in the header (byte 18) objcopy does not know.
foreign_code = $(triplet_amd64)-gcc -c -o $@ $< && \
	$(cross)objcopy -I elf64-little -O elf64-littleaarch64 $@ && \
	printf '\267' | dd of=$@ bs=1 seek=18 conv=notrunc status=none

# $(1) object list variable, $(2) compile flags: one pattern for every C file of a module
define compile_rule
$$(filter-out %.asm.o,$(1)): $$(out)/%.o: %.c
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  CC      $$<")
	$$(Q)$$(CC) $$(compile_flags) $(2) -MMD -MP -c -o $$@ $$<
$$(filter %.asm.o,$(1)): $$(out)/%.asm.o: %.S
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  AS      $$<")
	$$(Q)$$(if $$(cross),$$(foreign_code),$$(CC) -g -c -o $$@ $$<)
endef

define library_rule
$(1)_objects := $$(patsubst %.S,$$(out)/%.asm.o,$$($(1)_sources:%.c=$$(out)/%.o))
$(call compile_rule,$$($(1)_objects),-I$($(1)_dir) $(call headers_of,$(1) $($(1)_sees)) $(call pkg_cflags,$($(1)_packages)))
$$(out)/lib$(1).a: $$($(1)_objects)
	$$(Q)mkdir -p $$(@D) && rm -f $$@
	$$(if $$(V),,@echo "  AR      $$@")
	$$(Q)$$(AR) rcs $$@ $$^
$(foreach t,$($(1)_tests),$(call test_rule,$(1),$(t),$(1) $($(1)_sees),$($(1)_packages)))
$(foreach t,$($(1)_fuzz),$(call fuzz_rule,$(1),$(t),$(1) $($(1)_sees),$($(1)_packages)))
endef

define program_rule
$(1)_objects := $$($(1)_sources:%.c=$$(out)/%.o)
$(call compile_rule,$$($(1)_objects),-I$($(1)_dir) $(call headers_of,$($(1)_uses)) $(call pkg_cflags,$($(1)_packages)))
$$(bin)/$(1): $$($(1)_objects) $(call closure_of,$($(1)_uses))
	$$(if $$(V),,@echo "  LD      $$@")
	$$(Q)$$(CC) $$(compile_flags) $$(link_flags) -o $$@ $$^ $(call static_of,$($(1)_uses)) $(call pkg_libs,$($(1)_packages) $(call packages_of,$($(1)_uses)))
$(foreach t,$($(1)_tests),$(call test_rule,$(1),$(t),$($(1)_uses),$($(1)_packages)))
endef

# $(1) module, $(2) test source, $(3) libraries, $(4) packages. A test of a program links the
# program's objects without its main file ($(1)_main).
define test_rule

unit_tests += $$(out)/$(2:%.c=%)
$$(out)/$(2:%.c=%): $(2) $$(if $$($(1)_main),$$(filter-out $$($(1)_main:%.c=$$(out)/%.o),$$($(1)_objects))) $(call closure_of,$(3))
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  TEST    $$<")
	$$(Q)$$(CC) $$(compile_flags) -I$($(1)_dir) $(call headers_of,$(3)) $(call pkg_cflags,$(4)) \
		-MMD -MP $$(link_flags) -o $$@ $$(filter %.c %.o %.a,$$^) -lcmocka $(call static_of,$(3)) $(call pkg_libs,$(4) $(call packages_of,$(3)))
endef

# $(1) module, $(2) fuzz target, $(3) libraries, $(4) packages. FLAVOUR=fuzz (coverage) links it with
# libFuzzer, all others with a driver that runs it over its corpus as a unit test.
define fuzz_rule

$(if $(fuzzing),fuzz_targets,unit_tests) += $$(out)/$(2:%.c=%)
$$(out)/$(2:%.c=%): $(2) $(fuzz_support) $(fuzz_header) $(if $(fuzzing),,$(fuzz_driver)) $(call closure_of,$(3))
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  FUZZ    $$<")
	$$(Q)$$(CC) $$(compile_flags) -I$($(1)_dir) -Irestore/base $(call headers_of,$(3)) $(call pkg_cflags,$(4)) \
		-DFUZZ_CORPUS='"$(dir $(2))corpus/$(patsubst fuzz-%.c,%,$(notdir $(2)))"' \
		$$(link_flags) -o $$@ $$(filter %.c %.a,$$^) $(call static_of,$(3)) $(call pkg_libs,$(4) $(call packages_of,$(3)))
endef

$(foreach l,$(libraries),$(eval $(call library_rule,$(l))))
$(foreach p,$(programs),$(eval $(call program_rule,$(p))))

-include $(shell find $(out) -name '*.d' 2>/dev/null)

include $(wildcard efi/rules.mk image-builder/rules.mk qemu-tests/rules.mk restore/tests/rules.mk)

unit-build: $(unit_tests)

unit:  ## Run the unit tests under ASan and UBSan (no root, no network, no VM)
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan unit-build
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan unit-run

unit-run:
	$(Q).ci/run-tests $(unit_tests)

fuzz-build: $(fuzz_targets)

fuzz:  ## Run each fuzz target for FUZZ_SECONDS (20), starting from its corpus
	$(Q)$(MAKE) --no-print-directory -j2 FLAVOUR=fuzz fuzz-build
	$(Q)$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-run

fuzz-run:
	$(Q).ci/fuzz '$(or $(FUZZ_SECONDS),20)' $(fuzz_targets)

coverage:  ## Which lines of each parser its fuzz corpus reaches; fails under 90 %
	$(Q)$(MAKE) --no-print-directory -j2 FLAVOUR=coverage fuzz-build
	$(Q)PYTHONPYCACHEPREFIX=build/pycache $(HOSTPY) qemu-tests/parser_coverage.py

analyze:  ## gcc -fanalyzer over all C files
	$(Q)$(MAKE) --no-print-directory FLAVOUR=analyze $(foreach m,$(libraries) $(programs),objects-$(m))

$(foreach m,$(libraries) $(programs),$(eval objects-$(m): $($(m)_objects)))

lint: analyze  ## Linters: gcc -fanalyzer, clang-tidy, clang-format, shellcheck
	$(Q).ci/lint

deps:  ## Install the Debian packages that build, demo and check need
	$(Q).ci/install-packages

check:  ## All tests: unit, linters, QEMU scenarios; prints where the time goes
	$(Q).ci/check

clean:  ## Remove what was built
	$(Q)rm -rf build

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: all programs unit unit-build unit-run fuzz fuzz-build fuzz-run coverage analyze lint deps check clean help
.DEFAULT_GOAL := all
.SECONDARY:
