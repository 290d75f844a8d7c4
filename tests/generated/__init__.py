"""Files that are checked in although they derive from the code: schemas and reference pages.

`scripts/generate` writes them, and a test fails when one is stale.
"""
