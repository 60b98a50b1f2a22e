restore_sources :=
restore_tests   :=
restore_sources += restore/reader.c
restore_sources += restore/reader-calls.c
restore_sources += restore/reader-jail.c
restore_sources += restore/reader-process.c
