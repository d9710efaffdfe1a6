"""Tests of the core, of each bundled plugin, of whole journeys, and of the house rules."""
