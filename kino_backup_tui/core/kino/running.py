"""Whether this Kino is running, found by who holds its database open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.home import WORKING_FOLDER, Kino
from kino_backup_tui.core.kino.ports import USUAL_PORTS, likely_ports, noted_port
from kino_backup_tui.core.kino.processes import Endpoint, Holders, endpoints, holders, lockers
from kino_backup_tui.core.kino.version import valid_version

TIMEOUT_SECONDS = 2.0
_LARGEST_ANSWER = 64 << 10
_MOST_ENDPOINTS = 4


class KinoState(NamedTuple):
    """What could be found out about the Kino of one data path."""

    running: bool | None
    """None if nothing was found and this user may not look into every process."""
    pid: int | None = None
    version: str | None = None
    """As its own API says."""
    url: str | None = None
    how: str = ""
    """One short clause on how we know, for the status line."""
    first_time_setup: bool = False
    """It answers as one that nobody has set up yet."""


def observe(kino: Kino) -> KinoState:
    """Look for a process that holds this Kino's database open, and ask its HTTP API for the version.

    The API is asked at the configured address, else where that very process listens, so that no other
    Kino can answer. Raises nothing: what cannot be found out is None.
    """
    found = database_holders(kino)
    pids = found.pids
    if not pids:
        return _without_process(kino, found.complete)
    for pid, url in _addresses(kino, pids):
        if told := ask_status(url):
            how = f"process {pid} has the database open"
            return KinoState(True, pid, told.version, url, how, told.first_time_setup)
    return KinoState(True, pids[0], how=f"process {pids[0]} has the database open")


def database_holders(kino: Kino) -> Holders:
    """Find the processes that have this Kino's database open, without other runs of this program."""
    database = Path(os.path.realpath(kino.database))
    files = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    # One that has just been started has its lock before it has its database.
    found = holders([*files, kino.lock_file] if kino.lock_file else files)
    # Another run of this program has the database open while it takes a snapshot, and the lock as well.
    ours = set(holders([kino.data_path / WORKING_FOLDER / "lock"]).pids) if found.pids else set()
    return found._replace(pids=tuple(pid for pid in found.pids if pid not in ours))


class Status(NamedTuple):
    """What Kino's API says of itself."""

    version: str
    first_time_setup: bool


def ask_version(url: str) -> str | None:
    """The version that `GET /api/v1/status` answers; None if it does not."""
    told = ask_status(url)
    return told.version if told else None


def ask_status(url: str) -> Status | None:
    """What `GET /api/v1/status` answers, within two seconds a step; None if it does not."""
    answer = _get(url, "/api/v1/status")
    if (version := valid_version(answer.get("version"))) is None:
        return None
    return Status(version, answer.get("first_time_setup") is True)


def _get(url: str, path: str) -> dict[str, Any]:
    """The JSON object at an address; an empty one if there is none."""
    import http.client
    import json
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path}{path}", headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(_LARGEST_ANSWER)
        answer = json.loads(body) if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def _without_process(kino: Kino, complete: bool) -> KinoState:
    if complete:
        exists = os.path.lexists(kino.database)
        return KinoState(False, how="no process has the database open" if exists else "there is no database")
    pids = lockers(kino.lock_file) if kino.lock_file else ()
    url = kino.url or _guessed_address(kino, in_use=bool(pids))
    told = ask_status(url) if url else None
    if pids:
        how = f"process {pids[0]} has its lock"
        return KinoState(True, pids[0], told.version if told else None, url if told else None, how)
    if told:
        return KinoState(None, None, told.version, url, f"{url} answers")
    return KinoState(None, how=f"{user_name()} may not look into every process")


def _guessed_address(kino: Kino, *, in_use: bool) -> str | None:
    """Where a Kino answers whose process may not be looked into, see `likely_ports`.

    Only one that names our data path counts, in `GET /api/v1/health`.
    """
    if kino.lock_file is None:
        return None
    urls = (_url(Endpoint("127.0.0.1", port)) for port in likely_ports(kino, in_use=in_use))
    return next((url for url in urls if _serves(url, kino)), None)


def _serves(url: str, kino: Kino) -> bool:
    panels = _get(url, "/api/v1/health").get("panels")
    storage = panels.get("storage") if isinstance(panels, dict) else None
    paths = storage.get("paths") if isinstance(storage, dict) else None
    named = (each.get("path") for each in paths or () if isinstance(each, dict))
    return any(isinstance(path, str) and os.path.realpath(path) == str(kino.data_path) for path in named)


def _addresses(kino: Kino, pids: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    if kino.url:
        yield pids[0], kino.url
        return
    likely = (noted_port(), *USUAL_PORTS)
    for pid in pids:
        # Kino listens for other things, too, and a port that is not HTTP costs its time limit.
        by_likelihood = sorted(endpoints(pid), key=lambda endpoint: endpoint.port not in likely)
        for endpoint in by_likelihood[:_MOST_ENDPOINTS]:
            yield pid, _url(endpoint)


def _url(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"http://{host}:{endpoint.port}"
