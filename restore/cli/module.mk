bmr_sources :=
bmr_sources += restore/cli/backup-options.c
bmr_sources += restore/cli/backup-print.c
bmr_sources += restore/cli/boot-medium.c
bmr_sources += restore/cli/cmd-auto.c
bmr_sources += restore/cli/cmd-disks.c
bmr_sources += restore/cli/cmd-image.c
bmr_sources += restore/cli/cmd-net.c
bmr_sources += restore/cli/cmd-pack.c
bmr_sources += restore/cli/cmd-plan.c
bmr_sources += restore/cli/cmd-restore.c
bmr_sources += restore/cli/cmd-resume.c
bmr_sources += restore/cli/cmd-scan.c
bmr_sources += restore/cli/cmd-show.c
bmr_sources += restore/cli/cmd-verify.c
bmr_sources += restore/cli/command.c
bmr_sources += restore/cli/main.c
bmr_sources += restore/cli/progress.c
bmr_sources += restore/cli/session-disks.c
bmr_sources += restore/cli/session-sizes.c
bmr_sources += restore/cli/session.c
bmr_sources += restore/cli/source.c

bmr_main    := restore/cli/main.c

bmr_tests := restore/cli/tests/test-progress.c
