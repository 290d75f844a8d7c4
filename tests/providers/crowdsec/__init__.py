"""Tests of the CrowdSec provider; edge.py is what most of them stand on."""
