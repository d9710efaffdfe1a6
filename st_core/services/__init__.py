"""Verbs of the core: each module one noun; functions take ids or objects, return objects, raise
StError."""
