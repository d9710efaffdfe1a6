"""Trusted proxies, and internal networks that need no sign-in (guide section 1)."""
