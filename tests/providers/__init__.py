"""Tests of the providers, one folder each."""
