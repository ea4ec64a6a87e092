"""Nothing is answered without the key, and every refusal has Kino's form."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from kino_backup_tui.api.errors import CODE_OF, STATUS_OF, status_of
from kino_backup_tui.api.guard import Guard
from kino_backup_tui.core import errors
from kino_backup_tui.core.operations.api_key import rotate_api_key
from tests.api.harness import Api, listening
from tests.test_docs import all_errors

PATHS = ["/openapi.json", "/api/v1/backups", "/api/v1/nothing", "/", "/docs"]


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error of a response, which must have that form and no other."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert {"code", "message"} <= set(error)
    return error


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Api-Key": ""},
        {"X-Api-Key": "x" * 43},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic eDp5"},
    ],
)
def test_without_the_key_every_path_says_the_same(api: Api, path: str, headers: dict[str, str]) -> None:
    """Whether it exists or not, whether a key was shown or not."""
    with api.client(headers=headers) as client:
        response = client.get(path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert error_of(response) == {"code": "unauthorized", "message": "Unauthorized."}


def test_the_key_is_no_part_of_a_url(api: Api) -> None:
    """What stands in a query is in the log of every proxy."""
    with api.client(headers={}) as client:
        assert client.get("/openapi.json", params={"api_key": api.key}).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_key_may_come_as_a_bearer_token(api: Api, scheme: str) -> None:
    """The name of the scheme has no case (RFC 9110, 11.1)."""
    with api.client(headers={"Authorization": f"{scheme} {api.key}"}) as client:
        assert client.get("/openapi.json").status_code == 200


def test_a_rotated_key_is_worth_nothing_at_once(api: Api, client: httpx.Client) -> None:
    """In a server that runs, too."""
    assert client.get("/openapi.json").status_code == 200
    key = rotate_api_key(api.service.context)
    assert client.get("/openapi.json").status_code == 401
    assert client.get("/openapi.json", headers={"X-Api-Key": key}).status_code == 200


def test_a_bug_is_told_in_the_log_and_not_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    """A sentence and where it happened, on one line; the next request is answered."""

    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("a\nsecret detail")

    caplog.set_level(logging.INFO)
    with (
        listening(Guard(broken, lambda: "k" * 20)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-Api-Key": "k" * 20}) as client,
    ):
        for _ in range(2):
            response = client.get("/")
            assert response.status_code == 500
            assert error_of(response)["code"] == "internal_error"
            assert "secret" not in response.text
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 2
    assert "RuntimeError" in told[0]
    assert f"{__file__}:" in told[0]
    assert told[0].isprintable()


def test_without_a_key_to_compare_with_nobody_is_let_in() -> None:
    """Not even who shows an empty one."""

    async def open_to_all(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("it was let in")

    with listening(Guard(open_to_all, lambda: None)) as port:
        for shown in ({}, {"X-Api-Key": ""}, {"X-Api-Key": "None"}):
            assert httpx.get(f"http://127.0.0.1:{port}/", headers=shown).status_code == 401


def test_each_error_of_the_core_has_a_status_and_a_code() -> None:
    """Also one that is added tomorrow."""
    for kind in all_errors(errors.KinoBackupError):
        assert status_of(kind) in CODE_OF, kind
    assert set(CODE_OF) >= set(STATUS_OF.values())
