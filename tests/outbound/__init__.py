"""Tests of the room outbound."""
