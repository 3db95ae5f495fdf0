"""The HTML report: figures, tables, templates."""
