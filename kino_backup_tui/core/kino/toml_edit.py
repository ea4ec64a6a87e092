"""Changing the keys of one top-level table in a TOML text and nothing else.

tomllib reads but does not write, and a writer would lose comments, order and spacing. So the places of the
values are found by a small scanner over a text that tomllib has already accepted (grammar: toml.io, v1.0.0);
the scanner need not judge, only tell where things begin and end. The result is parsed again and compared
with what it should mean, so that a scanner's mistake is an error and never a changed setting.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Scalar = str | int | bool

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n,]+|#[^\n]*)*")
_REST_OF_LINE = re.compile(r"[^\n]*\n?")
_KEY_PART = re.compile(r'[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|\'[^\']*\'')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_STRING = r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:\\.|[^"\\])*"|' + r"'[^']*'"
_NESTED_TOKEN = re.compile(rf"{_STRING}|#[^\n]*|[\[\]{{}}]|[^\[\]{{}}\"'#]+", re.DOTALL)
_PLAIN_VALUE = re.compile(rf"{_STRING}|[^,\]}}#\r\n]*", re.DOTALL)


class TomlEditError(ValueError):
    """The change cannot be made in this text without touching something else."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """`key = value` outside of values, or inside the one inline table that is looked into."""

    path: tuple[str, ...]
    """From the root of the document."""
    key_start: int
    value_start: int
    value_end: int
    header: _Header | None
    """The `[table]` it stands under."""


class _Header(NamedTuple):
    """`[table]` or `[[table]]`."""

    path: tuple[str, ...]
    end: int
    """Just behind the closing bracket."""


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def set_keys(text: str, table: str, values: Mapping[str, Scalar]) -> str:
    """Return `text` with these keys of a top-level table set; all other characters stay.

    A key that is there has its value replaced in place. A new one goes where the table's keys are: behind the
    last of `[table]`, beside dotted keys, into an inline table; otherwise a new `[table]` is put at the end.
    `text` must be valid TOML without a byte order mark. Raises `TomlEditError`.
    """
    if not values:
        return text
    expected = tomllib.loads(text)
    present = expected.setdefault(table, {})
    if not isinstance(present, dict):
        raise TomlEditError(f"{table} is not a table")
    present.update(values)
    parts = tuple(_scan(text))
    entries = [part for part in parts if isinstance(part, _Entry)]
    whole = next((entry for entry in entries if entry.path == (table,)), None)
    inside = list(_inline_entries(text, whole)) if whole else entries
    edits: list[_Edit] = []
    missing: dict[str, str] = {}
    for key, value in values.items():
        entry = next((entry for entry in inside if entry.path == (table, key)), None)
        if entry is None:
            missing[key] = _rendered(value)
        else:
            edits.append(_Edit(entry.value_start, entry.value_end, _rendered(value)))
    if missing and whole:
        edits.append(_into_inline_table(text, whole, inside, missing))
    elif missing:
        edits.append(_into_table(text, table, parts, missing))
    changed = _applied(text, edits)
    if not _means(changed, expected):
        raise TomlEditError(f"the table {table} is written in a way that cannot be changed safely")
    return changed


def _scan(text: str) -> Iterator[_Header | _Entry]:
    header: _Header | None = None
    position = _end(_GAP, text, 0)
    while position < len(text):
        if text[position] == "[":
            brackets = 2 if text.startswith("[[", position) else 1
            path, position = _key(text, _end(_SPACE, text, position + brackets))
            header = _Header(path, _end(_SPACE, text, position) + brackets)
            yield header
            position = header.end
        else:
            entry = _entry(text, position, header.path if header else (), header)
            yield entry
            position = entry.value_end
        position = _end(_GAP, text, position)


def _entry(text: str, start: int, prefix: tuple[str, ...], header: _Header | None) -> _Entry:
    path, position = _key(text, start)
    value_start = _end(_EQUALS, text, position)
    return _Entry((*prefix, *path), start, value_start, _value_end(text, value_start), header)


def _inline_entries(text: str, whole: _Entry) -> Iterator[_Entry]:
    position = _end(_GAP, text, whole.value_start + 1)
    while text[position] != "}":
        entry = _entry(text, position, whole.path, whole.header)
        yield entry
        position = _end(_GAP, text, entry.value_end)


def _key(text: str, start: int) -> tuple[tuple[str, ...], int]:
    """A bare, quoted or dotted key, and where it ends."""
    path: list[str] = []
    position = start
    while True:
        part = _KEY_PART.match(text, position)
        if part is None:
            raise TomlEditError(f"no key where one was expected, at character {position}")
        path.append(_unquoted(part.group()))
        position = part.end()
        dot = _DOT.match(text, position)
        if dot is None:
            return tuple(path), position
        position = dot.end()


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    value = tomllib.loads(f"key = {part}")["key"]
    return str(value)


def _value_end(text: str, start: int) -> int:
    if text[start] not in "[{":
        value = _PLAIN_VALUE.match(text, start)
        return start + len(value.group().rstrip(" \t")) if value else start
    depth = 0
    for token in _NESTED_TOKEN.finditer(text, start):
        if token.group() in "[{":
            depth += 1
        elif token.group() in "]}":
            depth -= 1
            if depth == 0:
                return token.end()
    raise TomlEditError(f"a value without an end, at character {start}")


def _into_inline_table(text: str, whole: _Entry, inside: list[_Entry], missing: Mapping[str, str]) -> _Edit:
    pairs = ", ".join(f"{key} = {value}" for key, value in missing.items())
    if inside:
        return _Edit(inside[-1].value_end, inside[-1].value_end, f", {pairs}")
    behind = whole.value_start + 1
    return _Edit(behind, behind, f" {pairs} " if text[behind] == "}" else f" {pairs}")


def _into_table(
    text: str, table: str, parts: tuple[_Header | _Entry, ...], missing: Mapping[str, str]
) -> _Edit:
    newline = "\r\n" if "\r\n" in text else "\n"
    last: _Header | _Entry | None = None
    prefix = ""
    for part in parts:
        if isinstance(part, _Header):
            if part.path == (table,):
                last = part
        elif part.header is not None and part.header.path == (table,):
            last = part
            prefix = _indent(text, part.key_start)
        elif part.header is None and part.path[0] == table:
            last = part
            name = _KEY_PART.match(text, part.key_start)
            prefix = f"{_indent(text, part.key_start)}{name.group() if name else table}."
    lines = [f"{prefix}{key} = {value}" for key, value in missing.items()]
    if last is None:
        gap = "" if not text else newline if text.endswith("\n") else newline * 2
        return _Edit(len(text), len(text), gap + newline.join([f"[{table}]", *lines]) + newline)
    end = _end(_REST_OF_LINE, text, last.value_end if isinstance(last, _Entry) else last.end)
    if text[end - 1] == "\n":
        return _Edit(end, end, newline.join(lines) + newline)
    return _Edit(end, end, newline + newline.join(lines))


def _indent(text: str, key_start: int) -> str:
    line_start = text.rfind("\n", 0, key_start) + 1
    return text[line_start:key_start]


def _rendered(value: Scalar) -> str:
    import tomli_w

    return tomli_w.dumps({"key": value}).removeprefix("key = ").rstrip("\n")


def _applied(text: str, edits: list[_Edit]) -> str:
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _means(text: str, expected: dict[str, Any]) -> bool:
    try:
        return _canonical(tomllib.loads(text)) == _canonical(expected)
    except tomllib.TOMLDecodeError:
        return False


def _canonical(document: dict[str, Any]) -> str:
    # As text: unlike ==, it tells 1 from true and 1.0, and finds nan equal to itself.
    return json.dumps(document, sort_keys=True, default=repr)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
