"""Sign-in with LDAP and Active Directory (guide section 2)."""
