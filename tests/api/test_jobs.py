"""Jobs and their events: what every front end tells of an operation, over HTTP."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kino_backup_tui.core.jobs.journal import journal_path
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.workspace import workspace_of
from tests.api.harness import Api
from tests.api.process import until
from tests.cli.harness import Cli

STREAM = {"Accept": "text/event-stream"}


def events_of(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The server-sent events of a stream, each checked against its own data."""
    told: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            told[name] = value
            continue
        if "data" in told:
            event: dict[str, Any] = json.loads(told["data"])
            assert (told["id"], told["event"]) == (str(event["id"]), event["event"])
            yield event
        told = {}


@pytest.fixture
def job(client: httpx.Client) -> str:
    """A backup that was made."""
    assert client.post("/api/v1/backups").status_code == 201
    return str(client.get("/api/v1/jobs").json()[0]["id"])


def test_a_job_tells_how_it_ended(client: httpx.Client, job: str) -> None:
    """Its record as in the list, with the last stage."""
    (listed,) = client.get("/api/v1/jobs").json()
    shown = client.get(f"/api/v1/jobs/{job}").json()
    assert shown.items() >= listed.items()
    assert (shown["operation"], shown["outcome"], shown["running"]) == ("create", "ok", False)
    assert shown["stage"] == "checking_database"
    assert shown["result"] is None


def test_the_story_of_a_job_is_an_array(client: httpx.Client, job: str) -> None:
    """From its start to its end, as the journal has it; only later events on request."""
    story = client.get(f"/api/v1/jobs/{job}/events").json()
    assert (story[0]["id"], story[0]["event"], story[-1]["event"]) == (1, "start", "end")
    assert story[-1]["outcome"] == "ok"
    rest = client.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": str(story[2]["id"])})
    assert rest.json() == story[3:]


def test_readings_that_are_replaced_are_left_out(client: httpx.Client, context: Context, job: str) -> None:
    """A restore of an hour has thousands of them; the numbers of the others stay."""
    path = journal_path(workspace_of(context.kino), job)
    lines = path.read_bytes().splitlines(keepends=True)
    reading = lines[1].replace(b'"event":"stage"', b'"event":"progress"')
    path.write_bytes(b"".join([*lines[:2], *[reading] * 5, *lines[2:]]))
    story = client.get(f"/api/v1/jobs/{job}/events").json()
    assert [event["id"] for event in story[:4]] == [1, 2, 7, 8]


def test_a_stream_follows_a_job_to_its_end(api: Api, client: httpx.Client, context: Context) -> None:
    """What has been told, then what comes; the same as the array has afterwards."""
    cli = Cli(context.kino.data_path)
    with cli.creating() as process:
        os.kill(process.pid, signal.SIGSTOP)
        job = client.get("/api/v1/jobs").json()[0]["id"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events", headers=STREAM) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            stream = events_of(response)
            told = [next(stream)]
            assert told[0]["event"] == "start"
            os.kill(process.pid, signal.SIGCONT)
            told += stream
        assert process.wait(60) == 0
    assert told[-1]["event"] == "end"
    by_id = {event["id"]: event for event in told}
    story = client.get(f"/api/v1/jobs/{job}/events").json()
    assert [by_id[event["id"]] for event in story] == story


def test_a_stream_goes_on_after_the_last_event_that_was_seen(client: httpx.Client, job: str) -> None:
    """And once all were seen, the answer tells a browser to ask no more."""
    story = client.get(f"/api/v1/jobs/{job}/events").json()
    seen = {**STREAM, "Last-Event-ID": str(story[1]["id"])}
    with client.stream("GET", f"/api/v1/jobs/{job}/events", headers=seen) as response:
        assert list(events_of(response)) == story[2:]
    seen["Last-Event-ID"] = str(story[-1]["id"])
    response = client.get(f"/api/v1/jobs/{job}/events", headers=seen)
    assert (response.status_code, response.content) == (204, b"")


def test_a_silent_stream_gives_signs_of_life(
    client: httpx.Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies cut off what is silent for long."""
    monkeypatch.setattr("kino_backup_tui.api.routes.jobs.HEARTBEAT_SECONDS", 0.5)
    with Cli(context.kino.data_path).creating() as process:
        os.kill(process.pid, signal.SIGSTOP)
        job = client.get("/api/v1/jobs").json()[0]["id"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events", headers=STREAM) as response:
            assert any(line.startswith(": ") for line in response.iter_lines())
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(60) == 0


def test_a_stream_ends_with_its_client(
    client: httpx.Client, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody polls for a client that has gone, however long the job takes."""
    caplog.set_level("INFO", logger="kino_backup_tui.api")
    with Cli(context.kino.data_path).creating() as process:
        os.kill(process.pid, signal.SIGSTOP)
        job = client.get("/api/v1/jobs").json()[0]["id"]
        with client.stream("GET", f"/api/v1/jobs/{job}/events", headers=STREAM) as response:
            next(events_of(response))
        until(lambda: f"/jobs/{job}/events 200" in caplog.text)
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(60) == 0


def test_a_job_whose_process_died_was_interrupted(client: httpx.Client, context: Context) -> None:
    """For the array, the stream and the job itself alike."""
    with Cli(context.kino.data_path).creating() as process:
        process.kill()
        process.wait(60)
    job = client.get("/api/v1/jobs").json()[0]["id"]
    assert client.get(f"/api/v1/jobs/{job}").json()["outcome"] == "interrupted"
    assert client.get(f"/api/v1/jobs/{job}/events").json()[-1]["outcome"] == "interrupted"
    with client.stream("GET", f"/api/v1/jobs/{job}/events", headers=STREAM) as response:
        assert [event["outcome"] for event in events_of(response) if event["event"] == "end"] == [
            "interrupted"
        ]


@pytest.mark.parametrize(
    "odd",
    ["nope", "20260426T010000-000000", "..%2fstate", "%2e%2e", "a" * 300, "%00", "20260426T010000-FFFFFF"],
)
@pytest.mark.parametrize("end", ["", "/events"])
def test_what_is_no_job_is_refused(client: httpx.Client, odd: str, end: str) -> None:
    """No file outside of the journals is ever looked at."""
    assert client.get(f"/api/v1/jobs/{odd}{end}").status_code in (400, 404)


@pytest.mark.parametrize("seen", ["-1", "x", "1e3", "9" * 30, "1.5"])
def test_an_odd_last_event_is_refused(client: httpx.Client, job: str, seen: str) -> None:
    """It is a number that this server has given."""
    refused = client.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": seen})
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith("Invalid header Last-Event-ID: ")


def test_a_message_with_a_name_that_is_no_utf_8_is_told(
    client: httpx.Client, context: Context, job: str
) -> None:
    """With a sign in the place of what JSON cannot say."""
    path = journal_path(workspace_of(context.kino), job)
    path.write_bytes(path.read_bytes().replace(b'"message":"', b'"message":"f\\udcfc'))
    assert client.get(f"/api/v1/jobs/{job}").json()["message"].startswith("f\ufffd")
    assert client.get(f"/api/v1/jobs/{job}/events").json()[-1]["message"].startswith("f\ufffd")
