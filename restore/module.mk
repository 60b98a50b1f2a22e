restore_sources :=
restore_tests   :=
