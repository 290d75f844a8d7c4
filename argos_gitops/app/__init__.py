"""Composition: settings, discovery of providers, wiring, shutdown. Does not: logic."""
