"""Real components on loopback: Caddy, CrowdSec, an upstream, a GeoIP database.

Tests, benchmarks and the demo start them. Belongs here: finding, starting and ending them.
Does not: pytest (that is tests/conftest.py), or anything the product itself needs.
"""
