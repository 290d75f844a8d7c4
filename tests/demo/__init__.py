"""The demo, as people see it."""
