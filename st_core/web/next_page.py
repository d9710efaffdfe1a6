"""Where to go after signing in: only places of this server, whatever a link says."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/"
#: Pages that would lead straight back to signing in.
NEVER = ("/login", "/register", "/invitation", "/reset-password", "/forgotten", "/api/")


def same_site(wanted: str | None) -> str:
    """Return `wanted` when it is a path of this server that makes sense after signing in, else the
    first page.

    Browsers read a backslash as a slash and drop control characters, so neither may be in it.
    """
    path = wanted or HOME
    is_odd = any(letter == "\\" or ord(letter) <= 32 or ord(letter) == 127 for letter in path)
    if is_odd or not path.startswith("/") or path.startswith("//"):
        return HOME
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or path.startswith(NEVER):
        return HOME
    return path
