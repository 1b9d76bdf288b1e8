"""What one would otherwise build: a server that keeps the tasks in memory and answers over HTTP.

A script of its own that knows nothing of this project; it runs in the peers' virtual environment and is as quick as its
parts can be made without effort: rows in memory, in order, httptools and orjson underneath.

Usage: ``python rest_peer.py ROWS.jsonl STATUS.json``. It prints its port once it listens on 127.0.0.1.
"""

from __future__ import annotations

import itertools
import socket
import sys
from pathlib import Path
from typing import Any

import orjson  # type: ignore[import-not-found,unused-ignore]
import uvicorn  # type: ignore[import-not-found,unused-ignore]
from starlette.applications import Starlette  # type: ignore[import-not-found,unused-ignore]
from starlette.responses import Response  # type: ignore[import-not-found,unused-ignore]
from starlette.routing import Route  # type: ignore[import-not-found,unused-ignore]

rows: list[dict[str, Any]] = []
state: dict[str, Any] = {}


async def status(_request: Any) -> Response:
    """The daemon's figures."""
    return Response(orjson.dumps(state), media_type="application/json")


async def tasks(request: Any) -> Response:
    """The rows, those with `status` if it is given, `limit` at most."""
    wanted, limit = request.query_params.get("status"), request.query_params.get("limit")
    chosen = iter(rows) if wanted is None else (row for row in rows if row["status"] == wanted)
    found = itertools.islice(chosen, None if limit is None else int(limit))
    return Response(orjson.dumps(list(found)), media_type="application/json")


def main(rows_path: str, status_path: str) -> None:
    """Serve until the process is ended."""
    with open(rows_path, "rb") as file:
        rows.extend(orjson.loads(line) for line in file)
    state.update(orjson.loads(Path(status_path).read_bytes()))
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    app = Starlette(routes=[Route("/status", status), Route("/tasks", tasks)])
    config = uvicorn.Config(app, http="httptools", log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:3])
