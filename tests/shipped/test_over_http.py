"""The HTTP API on a Kino 0.3: the same objects, and the library that a restore needs."""

from __future__ import annotations

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.operations.context import Context
from tests.api.harness import serving

BACKUPS = "/api/v1/backups"


def test_a_backup_made_over_http_is_in_kinos_own_list(shipped: Kino, shipped_context: Context) -> None:
    """With the size and the checksum that the answer gave."""
    with serving(shipped_context) as api, api.client() as client:
        made = client.post(BACKUPS)

        assert made.status_code == 201
        listed = {row.filename: row for row in index_of(shipped).rows()}
        row = listed[made.json()["filename"]]
        assert (row.size_bytes, row.checksum_sha256) == (
            made.json()["size_bytes"],
            made.json()["checksum_sha256"],
        )


def test_a_library_that_is_missing_forbids_a_restore_unless_the_request_says_otherwise(
    shipped: Kino, shipped_context: Context
) -> None:
    """The plan tells what Kino would forget at its first start."""
    with serving(shipped_context) as api, api.client() as client:
        number = client.post(BACKUPS).json()["id"]
        (shipped.data_path / "library").rename(shipped.data_path / "elsewhere")
        ask = {"dry_run": True}

        plan = client.post(f"{BACKUPS}/{number}/restore", json=ask).json()
        waived = client.post(f"{BACKUPS}/{number}/restore", json=ask | {"library_missing_ok": True}).json()

        assert plan["first_boot"]["library"]["problem"]
        assert "library_missing" in {blocker["code"] for blocker in plan["blockers"]}
        assert "library_missing" not in {blocker["code"] for blocker in waived["blockers"]}
