"""Planner cases as data, and what reads and judges them; README.md tells their format."""
