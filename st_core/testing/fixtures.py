"""Fixtures of the test kit."""
