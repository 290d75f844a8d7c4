"""`python -m benchmarks`: the figures that this project promises, measured against what people use today.

Belongs here: the estates that are measured, the clock, and one module for each promise.
Does not: asserts on time in tests (a shared machine is slow at times), code that the package needs.
docs/benchmarks.md says how to read the table.
"""
