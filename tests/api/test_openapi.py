"""The description of the API is complete, and true of the running server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.demo.sample import write_sample
from tests.api.fuzzing import fuzz
from tests.api.process import Server, server
from tests.cli.harness import Cli

EXAMPLES = 5
MIN_CASES = 300
"""How many requests that makes at least; fewer would mean that the program gave up."""


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Server]:
    """The server of a sample Kino."""
    kino = Cli(tmp_path / "kino")
    write_sample(kino.data_path, SystemClock())
    with server(kino) as running:
        yield running


def test_requests_made_up_from_the_description_find_nothing_wrong(sample: Server, tmp_path: Path) -> None:
    """With every check of schemathesis: statuses, headers and bodies are as described."""
    fuzzed = fuzz(sample, tmp_path, EXAMPLES)
    assert fuzzed.passed, fuzzed.report
    assert fuzzed.cases >= MIN_CASES, fuzzed.report
    assert "Traceback" not in sample.log.read_text()
    assert sample.process.poll() is None


@pytest.fixture
def description(client: httpx.Client) -> Any:
    """What /openapi.json says."""
    return client.get("/openapi.json").json()


def operations(description: Any) -> list[tuple[str, Any]]:
    """Every endpoint by its method and path."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_endpoints_of_kinos_documentation_are_there(description: Any) -> None:
    """By those paths and methods."""
    assert {
        "GET /api/v1/backups",
        "POST /api/v1/backups",
        "GET /api/v1/backups/{id}/download",
        "DELETE /api/v1/backups/{id}",
    } <= {name for name, _ in operations(description)}


def test_every_endpoint_explains_itself(description: Any) -> None:
    """In words, with its parameters, and with an example of each error it can end in."""
    assert description["openapi"] == "3.1.0"
    for name, operation in operations(description):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"][0] in {tag["name"] for tag in description["tags"]}, name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter)
        assert {"400", "401", "431", "500"} <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            if status >= "400":
                example = response["content"]["application/json"]["example"]
                assert set(example["error"]) >= {"code", "message"}, (name, status)


def test_every_object_explains_itself(description: Any) -> None:
    """Each field of each object has a description, or is an object that has one."""
    for name, schema in description["components"]["schemas"].items():
        assert schema["description"], name
        for field, value in schema.get("properties", {}).items():
            assert value.get("description") or value.get("$ref"), (name, field)


def test_the_key_is_described_and_required_everywhere(description: Any) -> None:
    """Both ways of showing it."""
    schemes = description["components"]["securitySchemes"]
    assert schemes["apiKey"] | {"description": ""} == {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "",
    }
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert description["security"] == [{"apiKey": []}, {"bearer": []}]
    for name, operation in operations(description):
        assert "security" not in operation, name
        assert "401" in operation["responses"], name


def test_operations_keep_their_names(description: Any) -> None:
    """Generated clients have functions of these names."""
    assert {operation["operationId"] for _, operation in operations(description)} == {
        *("list_backups", "create_backup", "get_backup", "delete_backup"),
        *("download_backup", "head_download", "restore_backup", "restore_upload"),
        *("list_jobs", "get_job", "get_job_events"),
    }


def test_nothing_is_described_that_is_never_sent(description: Any) -> None:
    """The framework's own form of a validation error is not ours."""
    assert "HTTPValidationError" not in str(description)
