# How the boot application (efi/) and the tests' marker program are built: two small programs
# for the firmware, the same in every flavour and byte-identical on every run (objcopy writes
# time stamp 0 when it converts). The pure files are built once more for the host's tests.

openbmr_version ?= 0.1

# GNU-EFI's start for arm64 brings a header of its own, without a table of sections that a payload
# could be added to: efi/arm64/ stands in for it.
efi_out          := $(top)/efi
gnuefi_amd64     :=
gnuefi_arm64     := $(top)/gnu-efi
gnuefi           := $(gnuefi_$(ARCH))
gnuefi_ld_amd64  := /usr/lib/elf_x86_64_efi.lds
gnuefi_ld_arm64  := efi/arm64/efi.lds
gnuefi_rt_amd64  := /usr/lib/crt0-efi-x86_64.o
gnuefi_rt_arm64  := $(efi_out)/efi/arm64/start.o
gnuefi_rt        := $(gnuefi_rt_$(ARCH))
efi_target_amd64 := efi-app-x86_64
efi_target_arm64 := efi-app-aarch64

# No red zone: the firmware's interrupts run on this stack. No SSE before Linux.
efi_flags_amd64 := -mno-red-zone -maccumulate-outgoing-args -DGNU_EFI_USE_MS_ABI
efi_flags := -std=gnu17 -O2 -ffreestanding -fpic -fshort-wchar -mgeneral-regs-only \
	-fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
	$(efi_flags_$(ARCH)) -DOPENBMR_VERSION='"$(openbmr_version)"' $(warnings) \
	$(if $(gnuefi),--sysroot=$(abspath $(gnuefi))) \
	-isystem $(gnuefi)/usr/include/efi -isystem $(gnuefi)/usr/include/efi/$(firstword $(subst -, ,$(triplet)))

efi_sections := $(addprefix -j ,.text .sdata .data .rodata .dynamic .dynsym .rel .rela .reloc .sbat)

efi_objects    := $(efi_sources:%.c=$(efi_out)/%.o)
marker_objects := $(marker_sources:%.c=$(efi_out)/%.o)

efi: $(top)/openbmr.efi $(top)/marker.efi  ## Build the boot application and the tests' marker program

$(efi_objects) $(marker_objects): $(efi_out)/%.o: %.c efi/rules.mk
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC EFI  $<")
	$(Q)$(CC) $(efi_flags) $(efi_includes) -MMD -MP -c -o $@ $<

$(efi_objects): efi_includes := -Iefi -Irestore/base/include

$(top)/openbmr.efi: $(efi_objects)
$(top)/marker.efi: $(marker_objects)

$(top)/openbmr.efi $(top)/marker.efi: $(top)/%.efi: $(gnuefi_rt)
	$(if $(V),,@echo "  LD EFI  $@")
	$(Q)$(cross)ld -nostdlib -znocombreloc -shared -Bsymbolic --no-undefined --no-warn-rwx-segments \
		-T $(gnuefi_ld_$(ARCH)) \
		-o $(efi_out)/$*.so $(gnuefi_rt) $(filter-out $(gnuefi_rt),$^) -L$(gnuefi)/usr/lib -lefi -lgnuefi
	$(Q)$(cross)objcopy $(efi_sections) --target=$(efi_target_$(ARCH)) $(efi_out)/$*.so $@.tmp
	$(Q)mv $@.tmp $@

ifneq ($(gnuefi),)
$(efi_objects) $(marker_objects) $(gnuefi_rt): $(gnuefi)/.complete

$(gnuefi)/.complete: image-builder/fetch-packages
	$(if $(V),,@echo "  FETCH   $(@D)")
	$(Q)mkdir -p $(top) && printf '%s\n' gnu-efi libc6-dev >$(top)/gnu-efi.list
	$(Q)image-builder/fetch-packages $(top)/gnu-efi.list $(top)/packages $(@D) $(ARCH)
	$(Q)touch $@

$(gnuefi_rt): $(efi_out)/%.o: %.S
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<
endif

-include $(shell find $(efi_out) -name '*.d' 2>/dev/null)

# -- tests on the host --------------------------------------------------------------------

efi_host_objects := $(efi_pure:%.c=$(out)/%.o)

$(eval $(call compile_rule,$(efi_host_objects),-Iefi -Irestore/base/include))

# The payload as payload.h says it is added, for the test of the section lookup.
efi_sample := $(out)/efi/tests/with-payload.efi

$(efi_sample): $(top)/openbmr.efi efi/tests/add-payload
	$(Q)mkdir -p $(@D)
	$(Q)efi/tests/add-payload $< $@ efi/payload.c efi/pe.c efi/module.mk

define efi_test_rule
unit_tests += $(out)/$(1:%.c=%)
$(out)/$(1:%.c=%): $(1) $(efi_host_objects) $(efi_sample)
	$$(Q)mkdir -p $$(@D)
	$$(if $$(V),,@echo "  TEST    $$<")
	$$(Q)$$(CC) $$(compile_flags) -Iefi -Irestore/base/include -DEFI_SAMPLE='"$(efi_sample)"' \
		-MMD -MP $$(link_flags) -o $$@ $$(filter %.c %.o,$$^) -lcmocka
endef

$(foreach t,$(efi_tests),$(eval $(call efi_test_rule,$(t))))

# A target and the pure file that it is for; base's err.c stands in for the boot application's.
efi_dir := efi
$(foreach t,$(efi_fuzz),$(eval $(call fuzz_rule,efi,$(t),base,)))
$(foreach t,$(efi_fuzz),$(eval $(out)/$(t:%.c=%): $(t:efi/fuzz/fuzz-%=efi/%)))

efi-unit:  ## Run the host tests of the boot application
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan efi-unit-run

efi-unit-run: $(efi_tests:%.c=$(out)/%)
	$(Q).ci/run-tests $^

# -- linters ------------------------------------------------------------------------------

analyze: efi-analyze

efi-analyze:
	$(Q)$(MAKE) --no-print-directory efi-objects efi_out=$(top)/analyze-efi \
		CC='$(CC) -fanalyzer -Werror'

efi-objects: $(efi_objects) $(marker_objects)

.PHONY: efi efi-unit efi-unit-run efi-analyze efi-objects
