"""The yardstick: a bare Flask app under waitress. Usage: `python -m st_core.bench.yardstick PORT
DATABASE`."""

from __future__ import annotations

import sqlite3
import sys
import threading

from flask import Flask
from waitress import serve


def bare_app(database: str) -> Flask:
    """Return an app with `GET /json` and `POST /insert` and nothing else."""
    app = Flask(__name__)
    local = threading.local()

    def connection() -> sqlite3.Connection:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(database, timeout=30)
            local.connection.execute("PRAGMA journal_mode=WAL")
            local.connection.execute("PRAGMA synchronous=NORMAL")
        opened: sqlite3.Connection = local.connection
        return opened

    with sqlite3.connect(database) as first:
        first.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)")

    @app.get("/json")
    def answer() -> dict[str, object]:
        return {"hello": "world", "numbers": [1, 2, 3]}

    @app.post("/insert")
    def insert() -> dict[str, object]:
        with connection() as db:
            row = db.execute("INSERT INTO note (text) VALUES ('a note of some length')")
        return {"id": row.lastrowid}

    return app


if __name__ == "__main__":
    serve(bare_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), threads=8, _quiet=True)
