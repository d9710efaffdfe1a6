"""Sign-in with OpenID Connect (guide section 2)."""
