bmr_sources :=
bmr_tests   :=
