"""Tests, one folder for each room of the package, and the real components they run against."""
