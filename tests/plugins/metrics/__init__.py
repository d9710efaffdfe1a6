"""Tests of the metrics plugin."""
