"""Server processes that each make the first administrator at one moment, from many threads.

`first_admins.py <processes> <threads>`; reports what each thread was told.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from st_core import boot
from st_core.app import create_app
from tests.core.processes import crew


def main(processes: int, threads: int) -> None:
    """Race, and report every answer's status."""
    app = create_app({"plugins.enabled": ["zoo"]})

    def work(process: int) -> list[int]:
        boot.prepare(app)

        def ask(thread: int) -> int:
            name = f"admin-{process}-{thread}"
            body = {"username": name, "email": f"{name}@example.org", "password": "long enough"}
            return app.test_client().post("/api/auth/setup/first-admin", json=body).status_code

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(ask, range(threads)))

    crew(processes, work)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
