"""manifest.json: what an archive says of itself.

Written with everything needed to prove the archive by hand. Read strictly where a lie would be dangerous
(sizes, digests, paths, duplicate keys) and generously elsewhere: Kino's own manifests list no contents.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from kino_backup_tui.core.archive.members import database_beside, is_content_path
from kino_backup_tui.core.archive.names import is_plausible
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError, IncompatibleError
from kino_backup_tui.core.models import BackupKind, Migration

MANIFEST_NAME = "manifest.json"
FORMAT = 1
CONSISTENT, RAW = "consistent", "raw"
"""Values of `database_state`: a proven snapshot, or the database's files byte for byte as they were found."""
MAX_MANIFEST_BYTES = 256 * 1024
_MAX_NUMBER = 2**63 - 1
_DIGEST = r"[0-9a-f]{64}"
_VERSION = r"[0-9A-Za-z.+-]{1,64}"


class Content(NamedTuple):
    """One member of an archive."""

    path: str
    size: int
    sha256: str


class LeftOut(NamedTuple):
    """Something that belongs to a backup and was not saved."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The fields of manifest.json; fields an archive lacks have their empty value."""

    kino_version: str | None
    schema_version: int | None
    kind: BackupKind | None
    created_at: datetime | None
    contents: tuple[Content, ...] = ()
    migrations: tuple[Migration, ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    layout: str = ""
    instance: str = ""
    host: str = ""
    data_path: str = ""
    created_by: str = ""
    database_state: str = ""

    @property
    def size_bytes(self) -> int:
        """Sum of the sizes of the contents."""
        return sum(content.size for content in self.contents)

    @property
    def checksum_sha256(self) -> str:
        """SHA-256 over the contents, or "" if they are not listed."""
        return contents_checksum(self.contents) if self.contents else ""


def contents_checksum(contents: Iterable[Content]) -> str:
    """SHA-256 of what `sha256sum` prints for the contents: a line `{sha256}  {path}` each, in order."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(f"{content.sha256}  {content.path}\n".encode())
    return digest.hexdigest()


def is_raw(manifest: Manifest) -> bool:
    """Whether the database is kept as it was found, with the files beside it, because no sound snapshot was
    possible: good for going back to that very state, and for nothing else."""
    return manifest.database_state == RAW


def render_manifest(manifest: Manifest) -> bytes:
    """The file's bytes: UTF-8, indented by two."""
    assert manifest.kind is not None  # noqa: S101 - ours always have a kind and a date
    assert manifest.created_at is not None  # noqa: S101
    document = {
        "format": FORMAT,
        "kino_version": manifest.kino_version or "unknown",
        "schema_version": manifest.schema_version,
        "kind": manifest.kind.value,
        "created_at": manifest.created_at.isoformat(timespec="seconds"),
        "size_bytes": manifest.size_bytes,
        "checksum_sha256": manifest.checksum_sha256,
        "contents": [{"path": c.path, "size": c.size, "sha256": c.sha256} for c in manifest.contents],
        "migrations": [{"version": m.version, "checksum": m.checksum} for m in manifest.migrations],
        "tables": dict(manifest.tables),
        "left_out": [{"path": item.path, "reason": item.reason} for item in manifest.left_out],
        "layout": manifest.layout,
        "instance": manifest.instance,
        "host": manifest.host,
        "data_path": manifest.data_path,
        "created_by": manifest.created_by,
        "database_state": manifest.database_state,
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises `ArchiveRefusedError` for one that no honest program writes (too large, duplicate keys, a path
    outside a backup), `ArchiveDamagedError` for one that is not JSON or has fields of the wrong type,
    `IncompatibleError` for one of a later format.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise ArchiveRefusedError(f"{MANIFEST_NAME} is larger than {MAX_MANIFEST_BYTES} bytes.")
    try:
        document = json.loads(data, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ArchiveDamagedError(f"{MANIFEST_NAME} is not valid JSON.") from error
    if not isinstance(document, dict):
        raise ArchiveDamagedError(f"{MANIFEST_NAME} is not a JSON object.")
    _check_format(document)
    contents = tuple(_content(item) for item in _list(document, "contents"))
    paths = [content.path for content in contents]
    if len(set(paths)) != len(paths):
        raise ArchiveRefusedError(f"{MANIFEST_NAME} lists a path twice.")
    manifest = Manifest(
        kino_version=_version(document),
        schema_version=_optional(document, "schema_version", int),
        kind=_kind(document),
        created_at=_instant(document),
        contents=contents,
        migrations=tuple(
            Migration(_number(item, "version"), _text(item, "checksum"))
            for item in _list(document, "migrations")
        ),
        tables=_tables(document),
        left_out=tuple(
            LeftOut(_text(item, "path"), _text(item, "reason")) for item in _list(document, "left_out")
        ),
        **{
            name: _text(document, name)
            for name in ("layout", "instance", "host", "data_path", "created_by", "database_state")
        },
    )
    _check_totals(document, manifest)
    _check_state(manifest)
    return manifest


def _check_format(document: Mapping[str, Any]) -> None:
    """Nothing else of a later format is judged. Kino's own manifests name none."""
    given = _optional(document, "format", int)
    if given == 0:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: there is no format 0.")
    if given is not None and given > FORMAT:
        raise IncompatibleError(
            f"The archive is of format {given}, and this program knows no later one than {FORMAT}.",
            hint="A newer kino-backup-tui has made it: upgrade this one.",
        )


def _check_totals(document: Mapping[str, Any], manifest: Manifest) -> None:
    if not manifest.contents:
        # Kino's own manifests list nothing; one that names a format is ours, and has lost its list.
        if document.get("format") is not None:
            raise ArchiveDamagedError(f"{MANIFEST_NAME} does not list its contents.")
        return
    if document.get("size_bytes") != manifest.size_bytes:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: size_bytes is not the sum of its contents.")
    if document.get("checksum_sha256") != manifest.checksum_sha256:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: checksum_sha256 does not fit its contents.")


def _check_state(manifest: Manifest) -> None:
    """A log changes what a reader of the database sees, so only a raw archive may have one."""
    if is_raw(manifest):
        if not manifest.contents:
            raise ArchiveRefusedError(f"{MANIFEST_NAME} says raw and does not list what was found.")
        return
    for content in manifest.contents:
        if database_beside(content.path):
            raise ArchiveRefusedError(f"{MANIFEST_NAME} lists {content.path!r} beside a finished database.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ArchiveRefusedError(f"{MANIFEST_NAME} has the same key twice.")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_T = TypeVar("_T", int, str)


def _optional(document: Mapping[str, Any], key: str, kind: type[_T]) -> _T | None:
    value = document.get(key)
    if value is None:
        return None
    # bool is an int to Python, not to JSON.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: {key!r} is not a {kind.__name__}.")
    if isinstance(value, int) and not 0 <= value <= _MAX_NUMBER:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: {key!r} is out of range.")
    return value


def _text(document: Any, key: str) -> str:
    return (_optional(document, key, str) if isinstance(document, dict) else None) or ""


def _number(document: Any, key: str) -> int:
    value = _optional(document, key, int) if isinstance(document, dict) else None
    if value is None:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: {key!r} is missing.")
    return value


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    value = document.get(key, [])
    if not isinstance(value, list):
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: {key!r} is not a list.")
    return value


def _content(item: Any) -> Content:
    content = Content(path=_text(item, "path"), size=_number(item, "size"), sha256=_text(item, "sha256"))
    if not is_content_path(content.path):
        raise ArchiveRefusedError(f"{MANIFEST_NAME} lists {content.path!r}, which no backup holds.")
    if not re.fullmatch(_DIGEST, content.sha256):
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: the SHA-256 of {content.path} is not one.")
    return content


def _tables(document: Mapping[str, Any]) -> dict[str, int]:
    tables = document.get("tables", {})
    if not isinstance(tables, dict):
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: tables is not an object.")
    return {name: _number(tables, name) for name in tables}


def _version(document: Mapping[str, Any]) -> str | None:
    version = _optional(document, "kino_version", str)
    if version in (None, "", "unknown"):
        return None
    if not re.fullmatch(_VERSION, version):
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: kino_version {version!r} is not a version.")
    return version


def _kind(document: Mapping[str, Any]) -> BackupKind | None:
    kind = _optional(document, "kind", str)
    try:
        return BackupKind(kind) if kind else None
    except ValueError:
        # A kind of a later Kino: shown as unknown, which never expires.
        return None


def _instant(document: Mapping[str, Any]) -> datetime | None:
    text = _optional(document, "created_at", str)
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: created_at {text!r} is not a date.") from error
    if instant.tzinfo is None:
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: created_at has no offset from UTC.")
    if not is_plausible(instant):
        raise ArchiveDamagedError(f"{MANIFEST_NAME}: created_at {text!r} is not the date of a backup.")
    return instant
