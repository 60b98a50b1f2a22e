bmr-image_sources :=
bmr-image_tests   :=
