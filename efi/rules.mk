# How the boot application (efi/) and the tests' marker program are built: two small programs
# for the firmware, the same in every flavour and byte-identical on every run (objcopy writes
# time stamp 0 when it converts). The pure files are built once more for the host's tests.

openbmr_version ?= 0.1

efi_out   := build/efi
gnuefi    := /usr/include/efi
gnuefi_ld := /usr/lib/elf_x86_64_efi.lds
gnuefi_rt := /usr/lib/crt0-efi-x86_64.o

# No red zone: the firmware's interrupts run on this stack. No SSE before Linux.
efi_flags := -std=gnu17 -O2 -ffreestanding -fpic -fshort-wchar -mno-red-zone -mgeneral-regs-only \
	-maccumulate-outgoing-args -fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
	-DGNU_EFI_USE_MS_ABI -DOPENBMR_VERSION='"$(openbmr_version)"' $(warnings) \
	-isystem $(gnuefi) -isystem $(gnuefi)/x86_64

efi_sections := $(addprefix -j ,.text .sdata .data .rodata .dynamic .dynsym .rel .rela .reloc .sbat)

efi_objects    := $(efi_sources:%.c=$(efi_out)/%.o)
marker_objects := $(marker_sources:%.c=$(efi_out)/%.o)

efi: build/openbmr.efi build/marker.efi  ## Build the boot application and the tests' marker program

$(efi_objects) $(marker_objects): $(efi_out)/%.o: %.c efi/rules.mk
	$(Q)mkdir -p $(@D)
	$(if $(V),,@echo "  CC EFI  $<")
	$(Q)$(CC) $(efi_flags) $(efi_includes) -MMD -MP -c -o $@ $<

$(efi_objects): efi_includes := -Iefi -Irestore/base/include

build/openbmr.efi: $(efi_objects)
build/marker.efi: $(marker_objects)

build/openbmr.efi build/marker.efi: build/%.efi:
	$(if $(V),,@echo "  LD EFI  $@")
	$(Q)ld -nostdlib -znocombreloc -shared -Bsymbolic --no-undefined -T $(gnuefi_ld) \
		-o $(efi_out)/$*.so $(gnuefi_rt) $^ -L/usr/lib -lefi -lgnuefi
	$(Q)objcopy $(efi_sections) --target=efi-app-x86_64 $(efi_out)/$*.so $@.tmp
	$(Q)mv $@.tmp $@

-include $(shell find $(efi_out) -name '*.d' 2>/dev/null)

# -- tests on the host --------------------------------------------------------------------

efi_host_objects := $(efi_pure:%.c=$(out)/%.o)

$(eval $(call compile_rule,$(efi_host_objects),-Iefi -Irestore/base/include))

# The payload as payload.h says it is added, for the test of the section lookup.
efi_sample := $(out)/efi/tests/with-payload.efi

$(efi_sample): build/openbmr.efi efi/tests/add-payload
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

efi-unit:  ## Run the host tests of the boot application
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan efi-unit-run

efi-unit-run: $(efi_tests:%.c=$(out)/%)
	$(Q).ci/run-tests $^

# -- linters ------------------------------------------------------------------------------

analyze: efi-analyze

efi-analyze:
	$(Q)$(MAKE) --no-print-directory efi-objects efi_out=build/analyze-efi \
		CC='$(CC) -fanalyzer -Werror'

efi-objects: $(efi_objects) $(marker_objects)

.PHONY: efi efi-unit efi-unit-run efi-analyze efi-objects
