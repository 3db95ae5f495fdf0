"""The sections of the report: a module each, found by its file, placed by its `ORDER`."""
