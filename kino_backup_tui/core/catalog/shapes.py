"""Manifests in the cache: what many of them have in common is kept once, as their shape.

The archives of an installation differ in their dates and in their databases. Host, migrations, secrets and
the names of tables are the same in nearly all of them; read anew for each of thousands of archives, they
would take most of the time of a listing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from kino_backup_tui.core.archive.manifest import Content, LeftOut, Manifest
from kino_backup_tui.core.archive.members import is_database
from kino_backup_tui.core.models import BackupKind, Migration

_TEXTS = ("layout", "instance", "host", "data_path", "created_by", "database_state")
_NAME_LENGTH = 16
_NONE = Content("", 0, "")


class _Shape(NamedTuple):
    kino_version: str | None
    schema_version: int | None
    kind: BackupKind | None
    before: tuple[Content, ...]
    """The contents in front of the database, and behind it."""
    database: str
    after: tuple[Content, ...]
    migrations: tuple[Migration, ...]
    tables: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    texts: tuple[str, ...]


class Shapes:
    """The shapes of all manifests in the cache, by their names."""

    def __init__(self, stored: Any = None) -> None:
        self._stored: dict[str, Any] = stored if isinstance(stored, dict) else {}
        self._read: dict[str, _Shape] = {}

    def stored(self, encoded: Iterable[Any]) -> dict[str, Any]:
        """The shapes to keep in the file: those of encoded manifests that are still there."""
        used = {str(fields[0]) for fields in encoded if isinstance(fields, list) and fields}
        return {name: shape for name, shape in self._stored.items() if name in used}

    def encode(self, manifest: Manifest) -> list[Any]:
        """The name of a manifest's shape, and what is particular to it: its date, and its database."""
        contents = manifest.contents
        place = next((i for i, content in enumerate(contents) if is_database(content.path)), len(contents))
        database = contents[place] if place < len(contents) else _NONE
        shape = [
            manifest.kino_version,
            manifest.schema_version,
            manifest.kind.value if manifest.kind else None,
            contents[:place],
            database.path,
            contents[place + 1 :],
            manifest.migrations,
            list(manifest.tables),
            manifest.left_out,
            [getattr(manifest, name) for name in _TEXTS],
        ]
        name = hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:_NAME_LENGTH]
        self._stored[name] = shape
        created_at = manifest.created_at.isoformat() if manifest.created_at else None
        return [name, created_at, database.size, database.sha256, list(manifest.tables.values())]

    def decode(self, fields: list[Any]) -> Manifest:
        """The manifest; raises `KeyError`, `TypeError` or `ValueError` for garbage."""
        name, created_at, size, sha256, counts = fields
        shape = self._read.get(name) or self._shape(name)
        database = (Content(shape.database, size, sha256),) if shape.database else ()
        return Manifest(
            shape.kino_version,
            shape.schema_version,
            shape.kind,
            datetime.fromisoformat(created_at) if created_at else None,
            (*shape.before, *database, *shape.after),
            shape.migrations,
            dict(zip(shape.tables, counts, strict=True)),
            shape.left_out,
            *shape.texts,
        )

    def _shape(self, name: str) -> _Shape:
        version, schema, kind, before, database, after, migrations, tables, left_out, texts = self._stored[
            name
        ]
        shape = self._read[name] = _Shape(
            version,
            schema,
            BackupKind(kind) if kind else None,
            tuple(Content(*item) for item in before),
            database,
            tuple(Content(*item) for item in after),
            tuple(Migration(*item) for item in migrations),
            tuple(tables),
            tuple(LeftOut(*item) for item in left_out),
            tuple(texts),
        )
        return shape
