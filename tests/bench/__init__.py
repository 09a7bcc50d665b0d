"""Tests of the measurements: what is made of them, and that each of them measures something."""
