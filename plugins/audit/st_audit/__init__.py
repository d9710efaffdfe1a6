"""Audit log: who did what, from where, and what changed, in a chain that shows tampering."""
