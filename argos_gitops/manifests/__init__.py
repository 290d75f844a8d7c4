"""Bytes become resources: parsing, schema, references, formatting; the JSON Schema export.

Belongs here: whatever can be said of a revision without asking the world.
Does not: network, providers, clocks.
"""
