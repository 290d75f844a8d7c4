"""One module a schema change, numbered."""
