"""Tests of the Caddy provider; world.py holds what they share."""
