"""Changing one table of a TOML text leaves every other character where it is."""

from __future__ import annotations

import tomllib
from typing import NamedTuple

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from kino_backup_tui.core.kino.toml_edit import Scalar, TomlEditError, set_keys


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", '[backup]\ntime = "04:30"\n', id="empty"),
        pytest.param("a = 1\n", 'a = 1\n\n[backup]\ntime = "04:30"\n', id="absent"),
        pytest.param("a = 1", 'a = 1\n\n[backup]\ntime = "04:30"\n', id="absent, no trailing newline"),
        pytest.param("a = 1\r\n", 'a = 1\r\n\r\n[backup]\r\ntime = "04:30"\r\n', id="absent, CRLF"),
        pytest.param("[backup]", '[backup]\ntime = "04:30"', id="bare header, no trailing newline"),
        pytest.param("[backup] # b\n\n[x]\n", '[backup] # b\ntime = "04:30"\n\n[x]\n', id="no key yet"),
        pytest.param(
            "[backup]\n  keep = 3 # k\n\n# about x\n[x]\n",
            '[backup]\n  keep = 3 # k\n  time = "04:30"\n\n# about x\n[x]\n',
            id="behind the last key, indented alike",
        ),
        pytest.param("[backup]\nkeep = 3", '[backup]\nkeep = 3\ntime = "04:30"', id="behind the last line"),
        pytest.param("[backup]\ntime='03:00'#t", '[backup]\ntime="04:30"#t', id="squeezed"),
        pytest.param(
            '[ "backup" ]\n"time"  =   """03:00"""  # t\n',
            '[ "backup" ]\n"time"  =   "04:30"  # t\n',
            id="quoted and spaced",
        ),
        pytest.param(
            'backup . "time" = "03:00"\nb = 1\n', 'backup . "time" = "04:30"\nb = 1\n', id="dotted, spaced"
        ),
        pytest.param(
            "  'backup'.keep = 3\nb = 1\n[x]\n",
            "  'backup'.keep = 3\n  'backup'.time = \"04:30\"\nb = 1\n[x]\n",
            id="beside dotted keys",
        ),
        pytest.param(
            "backup = { keep = 3 } # b\n",
            'backup = { keep = 3, time = "04:30" } # b\n',
            id="into an inline table",
        ),
        pytest.param("backup = {}\n", 'backup = { time = "04:30" }\n', id="into an empty inline table"),
        pytest.param(
            "backup={time='03:00',x={time=[1,{}]}}",
            'backup={time="04:30",x={time=[1,{}]}}',
            id="in an inline table",
        ),
        pytest.param(
            "[backup.extra]\ntime = 1\n",
            '[backup.extra]\ntime = 1\n\n[backup]\ntime = "04:30"\n',
            id="sub-table only",
        ),
        pytest.param(
            "[backup]\nextra.time = 1\n[backup.more]\ntime = 2\n",
            '[backup]\nextra.time = 1\ntime = "04:30"\n[backup.more]\ntime = 2\n',
            id="sub-tables of both sorts",
        ),
        pytest.param(
            'a = """\n[backup]\ntime = "1"\n"""\nb = [ # ]\n  "[backup]", \'"\']\n[backup]\ntime = "03:00"\n',
            'a = """\n[backup]\ntime = "1"\n"""\nb = [ # ]\n  "[backup]", \'"\']\n[backup]\ntime = "04:30"\n',
            id="text that looks like the table",
        ),
        pytest.param(
            "[backup]\ntime = 1979-05-27 07:32:00 # t\n",
            '[backup]\ntime = "04:30" # t\n',
            id="date with a space",
        ),
        pytest.param(
            "[backup]\ntime = ['''x''''', # ]\n]\n", '[backup]\ntime = "04:30"\n', id="array as value"
        ),
        pytest.param(
            "x = nan\n[backup]\ntime = ''\n", 'x = nan\n[backup]\ntime = "04:30"\n', id="nan elsewhere"
        ),
        pytest.param(
            "[[a]]\ntime=1\n[[a]]\n", '[[a]]\ntime=1\n[[a]]\n\n[backup]\ntime = "04:30"\n', id="arrays"
        ),
    ],
)
def test_only_the_value_or_a_new_line_changes(before: str, after: str) -> None:
    """Setting the time gives exactly this text."""
    assert set_keys(before, "backup", {"time": "04:30"}) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[backup.time]\nhour = 3\n", id="the key is a table"),
        pytest.param("[backup]\ntime.hour = 3\n", id="the key is dotted on"),
        pytest.param("[[backup.time]]\nhour = 3\n", id="the key is an array of tables"),
        pytest.param("[[backup]]\n", id="the table is an array of tables"),
        pytest.param("backup = 3\n", id="the table is a number"),
    ],
)
def test_a_key_that_is_not_a_plain_value_is_refused(text: str) -> None:
    """What cannot be changed in place is an error, not a guess."""
    with pytest.raises(TomlEditError):
        set_keys(text, "backup", {"time": "04:30"})


class _Piece(NamedTuple):
    """A part of a document; with a key, it is the value of that key of `[backup]`."""

    text: str
    key: str | None = None


_OTHER_VALUES = st.sampled_from(
    [
        "1", "-0.5e3", "nan", "true", "'lit # [backup]'", '"esc \\" \\\\ [backup]"', "1979-05-27 07:32:00",
        '"""\n[backup]\nkeep = 1\n\\""" ""x"""""', "'''\n[backup]'\nkeep = 2'''''", "[]", "{}",
        '[ "]", # ]\n  [ { a = "}" } ], \'[\' ,\n]', "{ backup = { keep = 1 }, 'x y'.z = [1] }", "07:32:00.5",
    ]
)  # fmt: skip
_SPACES = st.sampled_from(["", " ", "  ", "\t"])
_COMMENTS = st.sampled_from(["", " # note", "\t# [backup] \"'", "#"])
_NOISE = st.sampled_from(["", "\n", "# keep = 9\n", "  \n\n", "\t# [backup]\n"])
_KEPT_VALUES = st.sampled_from(
    ["1", "365", "true", '"03:00"', "'03:00'", '"""x"""', "[1, [2]]", "{ a = '}' }", "08:00:00"]
)
_SCALARS: st.SearchStrategy[Scalar] = st.one_of(
    st.booleans(), st.integers(-5, 400), st.text(st.characters(codec="utf-8"), max_size=12)
)
_KEYS = ("enabled", "frequency", "time", "keep", "location")


@st.composite
def _other_lines(draw: st.DrawFn, names: str) -> list[_Piece]:
    pieces = []
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        key = draw(st.sampled_from([name, f'"{name}"', f"'{name}'.backup.keep", f"{name} . time"]))
        line = f"{draw(_SPACES)}{key}{draw(_SPACES)}={draw(_SPACES)}{draw(_OTHER_VALUES)}{draw(_COMMENTS)}\n"
        pieces.append(_Piece(draw(_NOISE) + line))
    return pieces


@st.composite
def _backup_keys(draw: st.DrawFn, prefix: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    for key in draw(st.lists(st.sampled_from([*_KEYS, "unknown"]), unique=True, max_size=5)):
        name = draw(st.sampled_from([key, f'"{key}"', f"'{key}'"]))
        pieces += [
            _Piece(f"{draw(_SPACES)}{prefix}{name}{draw(_SPACES)}={draw(_SPACES)}"),
            _Piece(draw(_KEPT_VALUES), key),
            _Piece(draw(_COMMENTS) + "\n"),
        ]
    return pieces


@st.composite
def _inline_table(draw: st.DrawFn) -> list[_Piece]:
    pieces = [_Piece(f"backup{draw(_SPACES)}={draw(_SPACES)}{{{draw(_SPACES)}")]
    for index, key in enumerate(
        draw(st.lists(st.sampled_from([*_KEYS, "unknown"]), unique=True, max_size=5))
    ):
        pieces += [
            _Piece("," if index else ""),
            _Piece(f" {key}{draw(_SPACES)}="),
            _Piece(draw(_KEPT_VALUES), key),
        ]
    return [*pieces, _Piece(f"{draw(_SPACES)}}}{draw(_COMMENTS)}\n")]


@st.composite
def _documents(draw: st.DrawFn) -> list[_Piece]:
    """Root keys, the backup table in any of its spellings or not at all, and other tables around it."""
    root = draw(_other_lines("abc"))
    table: list[_Piece] = []
    form = draw(st.sampled_from(["absent", "header", "dotted", "inline"]))
    if form == "inline":
        root += draw(_inline_table())
    elif form == "dotted":
        root += draw(_backup_keys(draw(st.sampled_from(["backup.", '"backup".', "backup . "]))))
    elif form == "header":
        header = draw(st.sampled_from(["[backup]", "[ backup ]", '["backup"]', "\t['backup']"]))
        table = [_Piece(header + draw(_COMMENTS) + "\n"), *draw(_backup_keys(""))]
    root += draw(_other_lines("def"))
    before = [_Piece("[g]\n"), *draw(_other_lines("abc"))] if draw(st.booleans()) else []
    after = [_Piece("[[h.backup]]\n"), *draw(_other_lines("abc"))] if draw(st.booleans()) else []
    extra = (
        [_Piece("[backup.extra] # x\nkeep = 1\n")]
        if form in ("absent", "header") and draw(st.booleans())
        else []
    )
    document = [*root, *before, *table, *extra, *after, _Piece(draw(_NOISE))]
    if draw(st.booleans()):
        document = [_Piece(piece.text.replace("\n", "\r\n"), piece.key) for piece in document]
    text = "".join(piece.text for piece in document)
    if text.endswith("\n") and draw(st.booleans()):
        document = _without_last_newline(document)
    return document


def _without_last_newline(document: list[_Piece]) -> list[_Piece]:
    while not document[-1].text:
        document = document[:-1]
    return [*document[:-1], _Piece(document[-1].text.rstrip("\r\n"), document[-1].key)]


@settings(deadline=None)
@given(document=_documents(), values=st.dictionaries(st.sampled_from(_KEYS), _SCALARS, min_size=1))
def test_any_document_keeps_every_other_character(document: list[_Piece], values: dict[str, Scalar]) -> None:
    """Present values are replaced in place, missing keys come in one block, and the meaning is as asked."""
    before = "".join(piece.text for piece in document)

    after = set_keys(before, "backup", values)

    expected = tomllib.loads(before)
    expected.setdefault("backup", {}).update(values)
    assert repr(sorted(tomllib.loads(after)["backup"].items())) == repr(
        sorted(expected.pop("backup").items())
    )
    assert repr({key: value for key, value in tomllib.loads(after).items() if key != "backup"}) == repr(
        expected
    )
    replaced = "".join(_toml(values[piece.key]) if piece.key in values else piece.text for piece in document)
    if all(any(piece.key == key for piece in document) for key in values):
        assert after == replaced
    else:
        assert _is_one_insertion(replaced, after)


def _toml(value: Scalar) -> str:
    return tomli_w.dumps({"x": value})[4:-1]


def _is_one_insertion(before: str, after: str) -> bool:
    size = len(after) - len(before)
    return size > 0 and any(after[:at] + after[at + size :] == before for at in range(len(before) + 1))


def test_a_deeply_nested_value_is_stepped_over_without_recursion() -> None:
    """A hundred brackets in a row do not end the scan."""
    text = f"a = {'[' * 100}{']' * 100}\n[backup]\nkeep = 1\n"
    assert set_keys(text, "backup", {"keep": 2}) == text.replace("keep = 1", "keep = 2")
