"""Nothing is answered without the key, and every refusal has Kino's form."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kino_backup_tui.core.operations.api_key import rotate_api_key
from tests.api.harness import Api

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
