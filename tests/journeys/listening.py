"""A listener on a stream of server-sent events, as a page or a script is one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from st_core.testing.server import ServerProcess

END_SECONDS = 60.0


@dataclass(frozen=True)
class Message:
    """One message; `number` is its id, None when it has none. What has no name is a `message`."""

    name: str
    text: str
    number: int | None = None

    @property
    def data(self) -> dict[str, Any]:
        """What the message says, when it is JSON."""
        found: dict[str, Any] = json.loads(self.text)
        return found


class Listener:
    """Reads one stream in a thread of its own until it breaks, ends, or has brought the last word.

    `last_id` is what the listener before it saw last; `is_last` tells the message to leave at;
    `headers` say who listens.
    """

    def __init__(
        self,
        server: ServerProcess,
        path: str,
        last_id: int | None = None,
        is_last: Callable[[Message], bool] = lambda _message: False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.messages: list[Message] = []
        #: When each message came, and at last when the stream ended (`time.monotonic`).
        self.times: list[float] = []
        #: Our end of the connection: it tells which of several processes serves it.
        self.port = 0
        self._is_last = is_last
        self._client = server.client(timeout=httpx.Timeout(END_SECONDS, read=None))
        said = dict(headers or {})
        if last_id is not None:
            said["Last-Event-ID"] = str(last_id)
        self._asked = self._client.build_request("GET", path, headers=said)
        self._answers = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._answers.wait(END_SECONDS), f"{path} does not answer"

    @property
    def facts(self) -> list[Message]:
        """The messages that have a number, without notes about the stream itself."""
        return [each for each in self.messages if each.number is not None]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the facts, as they came."""
        return [each.number for each in self.facts if each.number is not None]

    def end(self) -> list[Message]:
        """Return everything it heard, once the stream has ended or brought the last word."""
        self._thread.join(END_SECONDS)
        assert not self._thread.is_alive(), f"it goes on; heard so far: {self.messages[-3:]}"
        return self.messages

    def _listen(self) -> None:
        try:
            with self._client as client, closing(client.send(self._asked, stream=True)) as answer:
                answer.raise_for_status()
                self.port = port_of(answer)
                self._answers.set()
                for message in parsed(answer.iter_lines()):
                    self.messages.append(message)
                    self.times.append(time.monotonic())
                    if self._is_last(message):
                        return
        except httpx.TransportError:
            return  # the server is gone
        finally:
            self.times.append(time.monotonic())


def port_of(answer: httpx.Response) -> int:
    """Return the port of our end of the connection that an answer came through."""
    _address, port = answer.extensions["network_stream"].get_extra_info("client_addr")
    return int(port)


def parsed(lines: Iterator[str]) -> Iterator[Message]:
    """Give the messages of a stream; one that the end of the stream cuts off is none."""
    name, number, texts = "message", None, list[str]()
    for line in lines:
        field, _, value = line.partition(": ")
        match field:
            case "event":
                name = value
            case "id":
                number = int(value)
            case "data":
                texts.append(value)
            case "" if texts:
                yield Message(name, "\n".join(texts), number)
                name, number, texts = "message", None, []
