"""The key of a request: in `X-Api-Key`, or `Authorization: Bearer` (RFC 6750), as Kino takes it."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "What the verb `api-key show` of kino-backup-tui prints.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a bearer token."},
}
"""What OpenAPI says of it; either of the two will do."""


CHALLENGE = 'Bearer realm="kino-backup-tui"'
"""What `WWW-Authenticate` says without it: the scheme, and one parameter, as RFC 6750 wants (section 3)."""


def is_authorized(headers: Iterable[tuple[bytes, bytes]], key: str) -> bool:
    """Whether the headers of a request show the key; an empty one is none.

    One right key is enough where several are shown. The comparison takes as long for a key that is nearly
    right as for any other of its length.
    """
    if not key:
        return False
    wanted = key.encode()
    return any(hmac.compare_digest(shown, wanted) for shown in _shown_keys(headers))


def _shown_keys(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    shown = []
    for name, value in headers:
        if name == b"x-api-key":
            shown.append(value.strip())
        elif name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                shown.append(token.strip())
    return shown
