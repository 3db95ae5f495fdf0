"""The figures of the report: each a function from numbers to an SVG element."""
