restore_sources :=

restore_sources += restore/answer.c

restore_sources += restore/engine/checkpoint.c
restore_sources += restore/engine/commit.c
restore_sources += restore/engine/compare.c
restore_sources += restore/engine/copy.c
restore_sources += restore/engine/disk-open.c
restore_sources += restore/engine/gate.c
restore_sources += restore/engine/in-place.c
restore_sources += restore/engine/invalidate.c
restore_sources += restore/engine/journal.c
restore_sources += restore/engine/meter.c
restore_sources += restore/engine/preflight.c
restore_sources += restore/engine/range-map.c
restore_sources += restore/engine/prove.c
restore_sources += restore/engine/readback.c
restore_sources += restore/engine/report-json.c
restore_sources += restore/engine/report.c
restore_sources += restore/engine/restore-run.c
restore_sources += restore/engine/resume.c
restore_sources += restore/engine/walk.c

restore_sources += restore/evidence/asr-writer.c
restore_sources += restore/evidence/asrsif-find.c
restore_sources += restore/evidence/asrsif.c
restore_sources += restore/evidence/backup-collect.c
restore_sources += restore/evidence/backup-image.c
restore_sources += restore/evidence/backup-json.c
restore_sources += restore/evidence/backup-scan.c
restore_sources += restore/evidence/backup-set.c
restore_sources += restore/evidence/backup-specs.c
restore_sources += restore/evidence/backup.c
restore_sources += restore/evidence/bcd.c
restore_sources += restore/evidence/evidence-build.c
restore_sources += restore/evidence/evidence-convention.c
restore_sources += restore/evidence/evidence-fields.c
restore_sources += restore/evidence/evidence-health.c
restore_sources += restore/evidence/evidence-join.c
restore_sources += restore/evidence/evidence-mounted.c
restore_sources += restore/evidence/evidence.c
restore_sources += restore/evidence/fields-json.c
restore_sources += restore/evidence/hive.c
restore_sources += restore/evidence/image-name.c
restore_sources += restore/evidence/mounted-devices.c
restore_sources += restore/evidence/value.c
restore_sources += restore/evidence/xml.c

restore_sources += restore/fixups/firmware.c
restore_sources += restore/fixups/fixup-efi-fallback.c
restore_sources += restore/fixups/fixup.c
restore_sources += restore/fixups/mbr-boot.S

restore_sources += restore/formats/image-describe.c
restore_sources += restore/formats/image-merge.c
restore_sources += restore/formats/image-parent.c
restore_sources += restore/formats/image-volume.c
restore_sources += restore/formats/image.c
restore_sources += restore/formats/paged-table.c
restore_sources += restore/formats/raw.c
restore_sources += restore/formats/vhd-footers.c
restore_sources += restore/formats/vhd-parse.c
restore_sources += restore/formats/vhd.c
restore_sources += restore/formats/vhdx-bat.c
restore_sources += restore/formats/vhdx-changes.c
restore_sources += restore/formats/vhdx-log.c
restore_sources += restore/formats/vhdx-parse.c
restore_sources += restore/formats/vhdx-replay.c
restore_sources += restore/formats/vhdx.c

restore_sources += restore/plan/plan-in-place.c
restore_sources += restore/plan/plan-json.c
restore_sources += restore/plan/plan-layout.c
restore_sources += restore/plan/plan-mbr.c
restore_sources += restore/plan/plan-print.c
restore_sources += restore/plan/plan-rules.c
restore_sources += restore/plan/plan-set.c
restore_sources += restore/plan/plan-volumes.c
restore_sources += restore/plan/plan.c

restore_sources += restore/reader/reader-calls.c
restore_sources += restore/reader/reader-jail.c
restore_sources += restore/reader/reader-process.c
restore_sources += restore/reader/reader.c

restore_sources += restore/volumes/fat-edit.c
restore_sources += restore/volumes/fat-scratch.c
restore_sources += restore/volumes/fat.c
restore_sources += restore/volumes/ntfs.c
restore_sources += restore/volumes/volume-files.c
restore_sources += restore/volumes/volume-map.c
restore_sources += restore/volumes/volume.c

restore_tests :=
restore_tests += restore/tests/test-answer.c
restore_tests += restore/tests/test-asrsif.c
restore_tests += restore/tests/test-backup.c
restore_tests += restore/tests/test-bcd.c
restore_tests += restore/tests/test-differencing.c
restore_tests += restore/tests/test-documents.c
restore_tests += restore/tests/test-evidence-asrsif.c
restore_tests += restore/tests/test-evidence.c
restore_tests += restore/tests/test-gate.c
restore_tests += restore/tests/test-image-name.c
restore_tests += restore/tests/test-image-volume.c
restore_tests += restore/tests/test-mounted-devices.c
restore_tests += restore/tests/test-journal.c
restore_tests += restore/tests/test-plan-mbr.c
restore_tests += restore/tests/test-plan-volumes.c
restore_tests += restore/tests/test-plan.c
restore_tests += restore/tests/test-reader.c
restore_tests += restore/tests/test-restore.c
restore_tests += restore/tests/test-scan.c
restore_tests += restore/tests/test-vhd-damage.c
restore_tests += restore/tests/test-vhd.c
restore_tests += restore/tests/test-vhdx-damage.c
restore_tests += restore/tests/test-vhdx-log-damage.c
restore_tests += restore/tests/test-vhdx-log.c
restore_tests += restore/tests/test-vhdx.c
restore_tests += restore/tests/test-volume-map.c
restore_tests += restore/tests/test-volume.c
restore_tests += restore/tests/test-xml.c

restore_fuzz := $(addprefix restore/fuzz/fuzz-, \
	answer.c asrsif.c bcd-element.c documents.c hive.c image-name.c ntfs.c reader.c vhd.c \
	vhdx-log.c vhdx.c volume.c)
