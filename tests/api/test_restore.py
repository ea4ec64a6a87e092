"""Restores over HTTP, on the running sample Kino, and their refusals."""

from __future__ import annotations

import gzip
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.demo.session import DemoKino, demo_session
from tests.api.process import Server, server
from tests.api.test_jobs import STREAM, events_of
from tests.cli.harness import Cli
from tests.cli.restoring import archive_of, execute, films, freeze_worker, leftovers

Create = Callable[..., Backup]


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoKino]:
    """A running sample Kino, under a supervisor of its own."""
    with demo_session(SystemClock()) as demo:
        yield demo


def serve(demo: DemoKino) -> Any:
    """A server of it."""
    return server(Cli(demo.data_path), KINO_BACKUP_TUI_CONFIG=str(demo.config))


def newest_good(running: Server) -> dict[str, Any]:
    """The newest backup that Kino starts on."""
    backups = running.get("/backups")
    found: dict[str, Any] = next(each for each in backups if each["kino_version"] == "0.4.2")
    return found


def follow(running: Server, job: str, seen: int = 0) -> list[dict[str, Any]]:
    """The events of a job after those, to the end of the stream."""
    headers = {**STREAM, "Last-Event-ID": str(seen)}
    with (
        running.client() as client,
        client.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as told,
    ):
        return list(events_of(told))


def test_a_restore_is_watched_to_its_end_by_two_servers(demo: DemoKino) -> None:
    """The first one ends in the middle; the next goes on after the last event, and none is told twice."""
    settings = demo.data_path / "config.toml"
    settings.write_text(settings.read_text() + "# later\n")
    with ThreadPoolExecutor() as pool:
        with serve(demo) as first, first.client() as client:
            backup = newest_good(first)
            frozen = pool.submit(freeze_worker, Cli(demo.data_path), "staging")
            begun = client.post(f"/api/v1/backups/{backup['id']}/restore")
            assert begun.status_code == 202, begun.text
            job = begun.json()["id"]
            assert begun.headers["location"] == f"/api/v1/jobs/{job}"
            worker = frozen.result()
            with client.stream("GET", begun.headers["location"] + "/events", headers=STREAM) as response:
                stream = events_of(response)
                told = [next(stream)]
                while told[-1]["stage"] != "staging":
                    told.append(next(stream))
                first.signal(signal.SIGTERM)
                told += stream
            assert first.end() == 0
        with serve(demo) as second:
            assert second.get(f"/jobs/{job}")["running"] is True
            following = pool.submit(follow, second, job, told[-1]["id"])
            os.kill(worker, signal.SIGCONT)
            told += following.result()
            ended = second.get(f"/jobs/{job}")
            with second.client() as client:
                seen = {**STREAM, "Last-Event-ID": str(told[-1]["id"])}
                assert client.get(f"/api/v1/jobs/{job}/events", headers=seen).status_code == 204
            numbers = [event["id"] for event in told]
            assert numbers == sorted(set(numbers))
            assert [e["event"] for e in (told[0], told[-1])] == ["start", "end"]
            stages = list(dict.fromkeys(event["stage"] for event in told if event["stage"]))
            assert stages == [
                *("checking_archive", "staging", "safety_backup"),
                *("stopping", "swapping", "starting", "checking_health"),
            ]
    assert (ended["outcome"], ended["result"]["outcome"], ended["result"]["running"]) == ("ok", "ok", True)
    assert ended["result"]["source"] == backup["filename"]
    assert "# later" not in settings.read_text()
    assert httpx.get(f"{demo.url}/api/v1/status").status_code == 200


def test_an_upload_is_restored(demo: DemoKino, tmp_path: Path) -> None:
    """Downloaded here, sent there: Kino runs on it, and nothing of the upload stays."""
    settings = demo.data_path / "config.toml"
    settings.write_text(settings.read_text() + "# later still\n")
    with serve(demo) as running, running.client() as client:
        backup = newest_good(running)
        archive = tmp_path / backup["filename"]
        archive.write_bytes(client.get(f"/api/v1/backups/{backup['id']}/download").content)
        with archive.open("rb") as stream:
            begun = client.post("/api/v1/backups/restore-upload", files={"archive": stream})
        assert begun.status_code == 202, begun.text
        job = begun.json()["id"]
        assert follow(running, job)[-1]["outcome"] == "ok"
        ended = running.get(f"/jobs/{job}")
    assert ended["result"]["running"] is True
    assert "# later still" not in settings.read_text()
    received = [path for path in leftovers(Cli(demo.data_path)) if path.name.startswith("received-")]
    assert received == []


def test_a_kino_that_does_not_start_on_it_is_put_back(demo: DemoKino) -> None:
    """The job says which stage failed, and what Kino said."""
    settings = (demo.data_path / "config.toml").read_text()
    with serve(demo) as running, running.client() as client:
        bad = next(each for each in running.get("/backups") if each["kino_version"].endswith("bad-port"))
        begun = client.post(f"/api/v1/backups/{bad['id']}/restore", json={"health_seconds": 60})
        assert begun.status_code == 202, begun.text
        assert follow(running, begun.json()["id"])[-1]["outcome"] == "rolled_back"
        result = running.get(f"/jobs/{begun.json()['id']}")["result"]
    assert (result["failed_stage"], result["error"]["code"]) == ("checking_health", "rolled_back")
    assert result["log"]
    assert (demo.data_path / "config.toml").read_text() == settings


def test_a_plan_is_shown_and_what_is_confirmed_is_done(
    client: httpx.Client, context: Context, create: Create
) -> None:
    """With the fingerprint of the plan: another state of Kino than the one shown is another restore."""
    kino = Cli(context.kino.data_path)
    number = create().id
    execute(kino, "INSERT INTO film (title) VALUES ('Made after the backup')")
    path = f"/api/v1/backups/{number}/restore"
    plan = client.post(path, json={"dry_run": True})
    assert plan.status_code == 200
    assert plan.json()["blockers"] == []
    assert plan.json()["now"]["tables"]["film"] == plan.json()["backup"]["tables"]["film"] + 1
    fingerprint = plan.json()["fingerprint"]
    assert client.get("/api/v1/jobs").json()[0]["operation"] == "create"

    execute(kino, "INSERT INTO _sqlx_migrations VALUES (3, 'third', '2026-03-01', 1, x'cc03', 5)")
    changed = client.post(path, json={"fingerprint": fingerprint})
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "conflict")
    assert "Made after the backup" in films(kino)

    execute(kino, "DELETE FROM _sqlx_migrations WHERE version = 3")
    begun = client.post(path, json={"fingerprint": fingerprint})
    assert begun.status_code == 202, begun.text
    assert kino.run("watch", begun.json()["id"]).code == 0
    assert "Made after the backup" not in films(kino)


def test_every_reason_against_it_is_named(client: httpx.Client, context: Context, create: Create) -> None:
    """At once, each with its way out; nothing has begun."""
    kino = Cli(context.kino.data_path)
    execute(kino, "INSERT INTO _sqlx_migrations VALUES (3, 'third', '2026-03-01', 1, x'cc03', 5)")
    number = create().id
    execute(kino, "DELETE FROM _sqlx_migrations WHERE version = 3")
    refused = client.post(f"/api/v1/backups/{number}/restore")
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert (error["code"], error["cause"]) == ("unprocessable_entity", "incompatible")
    assert [each["code"] for each in error["blockers"]] == ["incompatible"]
    assert error["blockers"][0]["hint"]
    shown = client.post(f"/api/v1/backups/{number}/restore", json={"dry_run": True})
    assert (shown.status_code, shown.json()["blockers"]) == (200, error["blockers"])
    assert client.get("/api/v1/jobs").json()[0]["operation"] == "create"


def test_an_upload_that_is_no_backup_is_refused(
    client: httpx.Client, context: Context, tmp_path: Path
) -> None:
    """Damaged, newer, or no archive at all: nothing has begun, and nothing of it stays."""
    newer = "INSERT INTO _sqlx_migrations VALUES (3, 'third', '', 1, x'cc', 1)"
    foreign = archive_of(tmp_path / "other", newer).read_bytes()
    kino = Cli(context.kino.data_path)
    for body in (b"no archive", foreign, foreign[: len(foreign) // 2]):
        refused = client.post("/api/v1/backups/restore-upload", files={"archive": body})
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"]["blockers"]
        assert leftovers(kino) == []
    assert client.get("/api/v1/jobs").json() == []


def test_a_plan_of_an_upload_leaves_nothing(client: httpx.Client, context: Context, create: Create) -> None:
    """The options are fields of the form, before or after the archive."""
    archive = create().path.read_bytes()
    plan = client.post("/api/v1/backups/restore-upload", files={"archive": archive}, data={"dry_run": "true"})
    assert (plan.status_code, plan.json()["blockers"]) == (200, [])
    assert leftovers(Cli(context.kino.data_path)) == []
    odd = client.post("/api/v1/backups/restore-upload", files={"archive": archive}, data={"keep": "7"})
    assert odd.status_code == 400
    assert leftovers(Cli(context.kino.data_path)) == []


@pytest.mark.parametrize(
    "body",
    [
        {"dry_run": 1},
        {"fingerprint": "x"},
        {"health_seconds": 0},
        {"health_seconds": "180"},
        {"other": 1},
        [],
        1,
    ],
)
def test_an_odd_request_is_refused(client: httpx.Client, create: Create, body: Any) -> None:
    """Nobody guesses what was meant."""
    refused = client.post(f"/api/v1/backups/{create().id}/restore", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")


def test_a_packed_body_is_refused(client: httpx.Client, create: Create) -> None:
    """By name, and with the coding that is taken, instead of as a body of nonsense (RFC 9110, 12.5.3)."""
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    for path in (f"/api/v1/backups/{create().id}/restore", "/api/v1/backups/restore-upload"):
        if path.endswith("upload"):
            packed["Content-Type"] = "multipart/form-data; boundary=x"
        refused = client.post(path, content=gzip.compress(b'{"dry_run": true}'), headers=packed)
        assert refused.status_code == 415
        assert refused.headers["accept-encoding"] == "identity"
        assert refused.json()["error"]["message"] == "The body must not be packed with gzip."
    plain = {"Content-Encoding": "identity"}
    path = f"/api/v1/backups/{create().id}/restore"
    assert client.post(path, json={"dry_run": True}, headers=plain).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 50000, "application/json", 400),
        (b" " * 70000, "application/json", 413),
        (b'{"dry_run": true}', "text/plain", 415),
        (b'{"health_seconds": NaN}', "application/json", 400),
        (b"\xff", "application/json; charset=utf-8", 400),
    ],
)
def test_an_odd_body_is_refused(
    client: httpx.Client, create: Create, body: bytes, kind: str, status: int
) -> None:
    """And none is taken into memory that is larger than it could be."""
    path = f"/api/v1/backups/{create().id}/restore"
    refused = client.post(path, content=body, headers={"Content-Type": kind})
    assert (refused.status_code, list(refused.json())) == (status, ["error"])


def test_while_another_operation_runs_the_restore_waits_or_is_refused(
    client: httpx.Client, context: Context, create: Create
) -> None:
    """Without having read the archive; an upload, too, before it is sent."""
    number = create().id
    kino = Cli(context.kino.data_path)
    with kino.creating() as process:
        os.kill(process.pid, signal.SIGSTOP)
        for refused in (
            client.post(f"/api/v1/backups/{number}/restore"),
            client.post("/api/v1/backups/restore-upload", files={"archive": b"x"}),
        ):
            assert refused.status_code == 409
            assert refused.json()["error"]["job"]["pid"] == process.pid
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(
                client.post, f"/api/v1/backups/{number}/restore", headers={"Prefer": "wait=60"}
            )
            os.kill(process.pid, signal.SIGCONT)
            begun = waiting.result()
        assert process.wait(60) == 0
    assert begun.status_code == 202, begun.text
    assert begun.headers["preference-applied"] == "wait=60"
    assert kino.run("watch", begun.json()["id"]).code == 0


def test_a_backup_that_is_not_there_is_not_found(client: httpx.Client) -> None:
    """In Kino's form."""
    assert client.post("/api/v1/backups/7/restore").status_code == 404
