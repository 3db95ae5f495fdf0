"""SPEC (Kocabas et al., ICCV 2021): SPEC-SYN and SPEC-MTP."""
