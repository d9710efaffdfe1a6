"""The keys that seal stored secrets: where they are, how one is made, and how one is replaced.

Words: the *ring* is every key this server knows, newest first; its first key seals, the others only
open what was sealed before. Keys are 32 random bytes, written as base64, in `secret.key` in the
state folder or in SIMPLETUNER_CREDENTIAL_KEY (several between commas, newest first).
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ConfigError

log = logging.getLogger(__name__)
FILE = "secret.key"
VARIABLE = "SIMPLETUNER_CREDENTIAL_KEY"
KEY_BYTES = 32
_HEADER = (
    "# Opens the secrets in this server's database; without it they are lost. Keep a copy, but\n"
    "# not beside the database's. The first key seals; the others open what was sealed before.\n"
)


@dataclass(frozen=True)
class Key:
    """One key; `id` (8 hex digits) stands in everything it sealed and tells nothing of it."""

    id: str
    material: bytes = field(repr=False)

    @classmethod
    def of(cls, material: bytes) -> Key:
        """Return the key of these 32 bytes."""
        return cls(hashlib.sha256(b"simpletuner key id" + material).hexdigest()[:8], material)

    @classmethod
    def new(cls) -> Key:
        """Return a key nobody else has."""
        return cls.of(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def read(cls, text: str, source: str) -> Key:
        """Return the key written as `text`. Raises ConfigError naming `source`, never the text."""
        try:
            material = base64.b64decode(text.strip().translate(_TO_STANDARD), validate=True)
        except (binascii.Error, ValueError):
            material = b""
        if len(material) != KEY_BYTES:
            raise ConfigError(
                f"{source} holds something that is no key: a key is 32 bytes in base64, as "
                "`openssl rand -base64 32` prints them.",
                code="secret_key_unusable",
            )
        return cls.of(material)

    def text(self) -> str:
        """Return the key as it is written down."""
        return base64.b64encode(self.material).decode()


_TO_STANDARD = str.maketrans("-_", "+/")


class Keyring:
    """The ring of one server. What another process changes in the file is seen at once."""

    def __init__(self, folder: Path, given: str | None = None) -> None:
        """Read keys out of `given` (the environment's), and later those of the file in `folder`.

        Raises ConfigError when `given` holds something that is no key.
        """
        self.path = folder / FILE
        self.given = tuple(
            Key.read(word, VARIABLE) for word in (given or "").split(",") if word.strip()
        )
        self._seen: tuple[int, int, int] | None = None
        self._filed: tuple[Key, ...] = ()

    def known(self) -> tuple[Key, ...]:
        """Return every key, the sealing one first; none while nothing was ever sealed.

        Raises ConfigError when the file cannot be read or holds something else.
        """
        return (*self.given, *self._in_file())

    def find(self, key_id: str) -> Key | None:
        """Return the key of that id, or None when this server does not have it."""
        return next((key for key in self.known() if key.id == key_id), None)

    def sealing(self) -> Key:
        """Return the key that seals, made now when there is none; one for all processes."""
        found = self.known()
        if not found:
            self._place_first(Key.new())
            found = self.known()
        return found[0]

    def add(self) -> Key:
        """Put a new key first in the file and return it; the others stay behind it."""
        with self._alone():
            key = Key.new()
            self._replace((key, *self._in_file()))
        return key

    def drop(self, key_ids: Iterable[str]) -> None:
        """Take keys out of the file; the first one stays whatever is named."""
        gone = set(key_ids)
        with self._alone():
            first, *rest = self._in_file()
            self._replace((first, *(key for key in rest if key.id not in gone)))

    def filed(self) -> tuple[Key, ...]:
        """Return the keys of the file alone, the newest first."""
        return self._in_file()

    def _in_file(self) -> tuple[Key, ...]:
        """Read the file, again only when it was changed."""
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return self._filed
            lines = self.path.read_text("ascii").splitlines()
        except FileNotFoundError:
            self._seen = None
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"the key of stored secrets, {self.path}, cannot be read ({error}). Give it back "
                "to the user the server runs as, or put it back from the backup.",
                code="secret_key_unusable",
            ) from error
        if stat.st_mode & 0o077:
            log.warning("%s could be read by others than the server; it no longer can", self.path)
            self.path.chmod(0o600)
        words = [line for line in lines if line.strip() and not line.startswith("#")] or [""]
        self._filed = tuple(Key.read(word, str(self.path)) for word in words)
        self._seen = seen
        return self._filed

    def _place_first(self, key: Key) -> None:
        """Make the file, unless another process was faster: then theirs is the one."""
        draft = self._draft((key,))
        with suppress(FileExistsError):
            os.link(draft, self.path)
        draft.unlink()
        self._keep_folder()

    def _replace(self, keys: Sequence[Key]) -> None:
        """Put a whole new file in the place of the old one."""
        os.replace(self._draft(keys), self.path)
        self._keep_folder()

    def _draft(self, keys: Sequence[Key]) -> Path:
        """Write the keys beside the file, on the disk for good, readable by the server alone."""
        draft = self.path.with_name(f".{FILE}-{os.getpid()}-{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(_HEADER + "".join(f"{key.text()}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _keep_folder(self) -> None:
        """Let the name of the file survive a power cut, too."""
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time change the file."""
        with open(self.path.with_name(f"{FILE}.lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
