"""A form with an archive in it is read the same however it is cut into pieces, and refused whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kino_backup_tui.api.errors import ApiError
from kino_backup_tui.api.form import ArchiveForm

LIMIT = 1000
TYPE = "multipart/form-data; boundary=edge"


def part(name: str, value: bytes, more: str = "") -> bytes:
    """One field of a form."""
    return b'--edge\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
        name.encode(),
        more.encode(),
        value,
    )


def read(
    body: bytes, *, cuts: tuple[int, ...] = (), limit: int = LIMIT, content_type: str = TYPE
) -> ArchiveForm:
    """Read a body that comes in pieces; its archive is kept as a field, too."""
    form = ArchiveForm(content_type, limit)
    places = [0, *sorted(cuts), len(body)]
    archive = b"".join(form.feed(body[start:stop]) for start, stop in pairwise(places))
    form.end()
    return with_archive(form, archive)


def with_archive(form: ArchiveForm, archive: bytes) -> ArchiveForm:
    """The form, with its archive among the fields."""
    form.fields["archive"] = archive.decode("latin-1")
    return form


_BYTES = st.binary(min_size=1, max_size=200) | st.lists(
    st.sampled_from([b"\r\n", b"--", b"edge", b"\r\n--edge", b"x", b"-"]), min_size=1, max_size=12
).map(b"".join)


@given(archive=_BYTES, cuts=st.lists(st.integers(0, 150), max_size=6))
def test_the_archive_is_what_was_sent(archive: bytes, cuts: list[int]) -> None:
    """Wherever the body is cut, and however much like a boundary the bytes look."""
    if b"\r\n--edge" in b"\r\n" + archive:
        return  # no honest client takes a boundary that is in its file
    body = part("dry_run", b"true") + part("archive", archive, '; filename="a.tar.gz"') + part("note", b"x")
    body += b"--edge--\r\n"
    form = read(body, cuts=tuple(min(cut, len(body)) for cut in cuts))
    assert form.fields == {"dry_run": "true", "note": "x", "archive": archive.decode("latin-1")}


ARCHIVE = part("archive", b"bytes", '; filename="a"')
END = b"--edge--\r\n"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "ends in the middle"),
        (b"no form at all", "cannot be read"),
        (ARCHIVE, "ends in the middle"),
        (ARCHIVE[:-5], "ends in the middle"),
        (ARCHIVE + b"--edge-", "ends in the middle"),
        (END, "no field archive"),
        (part("other", b"x") + END, "no field archive"),
        (ARCHIVE + ARCHIVE + END, "there twice"),
        (part("a", b"x") + part("a", b"y") + ARCHIVE + END, "there twice"),
        (part("", b"x") + ARCHIVE + END, "has no name"),
        (b"--edge\r\n\r\nx\r\n" + END, "has no name"),
        (b"--edge\r\nContent-Disposition: attachment; name=archive\r\n\r\nx\r\n" + END, "has no name"),
        (b"--edge\r\nContent-Disposition: form-data; name*=UTF-8''archive\r\n\r\nx\r\n" + END, "has no name"),
        (b"--edge\r\nno header\r\n\r\nx\r\n" + END, "cannot be read"),
        (b"--edge\r\n" + b"a: b\r\n" * 100 + b"\r\nx\r\n" + END, "cannot be read"),
        (b"--edge\r\na: " + b"b" * 10**5 + b"\r\n\r\nx\r\n" + END, "cannot be read"),
        (b"".join(part(f"f{n}", b"") for n in range(17)) + END, "more than 16 fields"),
        (part("long", b"x" * 5000) + ARCHIVE + END, "more than 4096 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_form_is_refused(body: bytes, what: str) -> None:
    """With a sentence that says why."""
    with pytest.raises(ApiError, match=what) as refused:
        read(body)
    assert refused.value.status == 400


def test_an_empty_archive_is_a_damaged_one() -> None:
    """The form is right, its contents are not."""
    with pytest.raises(ApiError, match="is empty") as refused:
        read(part("archive", b"") + END)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("", 415),
        ("application/gzip", 415),
        ("multipart/mixed; boundary=edge", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=" + "x" * 500, 400),
    ],
)
def test_another_type_is_refused_before_the_body(content_type: str, status: int) -> None:
    """415 for what is no form, 400 for one that cannot be read."""
    with pytest.raises(ApiError) as refused:
        ArchiveForm(content_type, LIMIT)
    assert refused.value.status == status


def test_the_limit_is_that_of_the_archive() -> None:
    """One byte more is refused as soon as it comes; the rest of the form does not count."""
    for size in (LIMIT - 1, LIMIT):
        read(part("archive", b"x" * size) + part("note", b"y" * 500) + END)
    form = ArchiveForm(TYPE, LIMIT)
    form.feed(part("archive", b"x" * LIMIT)[:-2])
    with pytest.raises(ApiError, match="may have 1000 bytes") as refused:
        form.feed(b"yy")
    assert refused.value.status == 413
