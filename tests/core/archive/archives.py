"""Archives built by hand or by other programs, honest and hostile, for the reader's tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from typing import Any, Literal

DATABASE = b"SQLite format 3\0" + bytes(range(256)) * 40


def manifest_for(members: Mapping[str, bytes], **fields: Any) -> bytes:
    """A manifest that tells the truth about members, unless `fields` says otherwise."""
    contents = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(members.items())
    ]
    lines = "".join(f"{item['sha256']}  {item['path']}\n" for item in contents)
    document = {
        "format": 1,
        "kino_version": "0.4.2",
        "schema_version": 2,
        "kind": "manual",
        "created_at": "2026-04-26T03:00:00+02:00",
        "size_bytes": sum(len(data) for data in members.values()),
        "checksum_sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "contents": contents,
    }
    return json.dumps(document | fields).encode()


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any
) -> tuple[tarfile.TarInfo, bytes]:
    """A header and its data."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar(*members: tuple[tarfile.TarInfo, bytes], form: Literal[0, 1, 2] = tarfile.USTAR_FORMAT) -> bytes:
    """A tar of members, with its end mark."""
    out = io.BytesIO()
    for info, data in members:
        out.write(info.tobuf(form, "utf-8", "surrogateescape"))
        out.write(data + bytes(-len(data) % 512))
    out.write(bytes(1024))
    return out.getvalue()


def packed(data: bytes) -> bytes:
    """gzip, without the time."""
    return gzip.compress(data, mtime=0)


def honest(extra: Mapping[str, bytes] | None = None, **fields: Any) -> bytes:
    """An archive as this program writes it."""
    members = {"config.toml": b"[backup]\n", "db.sqlite": DATABASE, **(extra or {})}
    return packed(
        tar(
            member("manifest.json", manifest_for(members, **fields)),
            *(member(name, data) for name, data in sorted(members.items())),
        )
    )


def manifest_last() -> bytes:
    """An archive whose manifest lies too far inside for a glance, as in those of Kino 0.3."""
    database = os.urandom(200_000)
    return packed(
        tar(member("db.sqlite", database), member("manifest.json", manifest_for({"db.sqlite": database})))
    )
