"""A coverage-guided fuzzer on the reader of archives; it needs atheris, which the extra `proof` brings.

It is given the tar inside an archive, which gzip's checksum would keep any fuzzer out of, and packs it again.
An input that the reader does not refuse with an error of ours, or takes although a digest differs, ends it.
"""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError
from tests.proof.corpus import honest_archives
from tests.proof.figures import Figures, Options

_RUNS = 1_000_000
_LONGEST = 64 * 1024
_MEGABYTES = 512
"""For the interpreter, the instrumented code and the fuzzer's own corpus; the reader has a fraction of it."""
_SECONDS_EACH = 5


def read_one(inside: bytes) -> None:
    """Read a tar as an archive of ours; what it raises is a finding."""
    try:
        result = read_archive(
            io.BytesIO(gzip.compress(inside, compresslevel=1, mtime=0)), lambda _count: None
        )
    except (ArchiveError, IncompatibleError):
        return
    if result.manifest.contents:
        listed = {content.path: content for content in result.manifest.contents}
        assert {content.path: content for content in result.contents} == listed


def run(options: Options) -> Figures:
    """Fuzz in a process of its own, from the honest archives on."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder, honest_archives() as (_, archives):
        for packer, archive in archives.items():
            (Path(folder) / packer.replace(" ", "-")).write_bytes(gzip.decompress(archive))
        limits = [f"-runs={_RUNS // options.stride}", f"-max_len={_LONGEST}", f"-seed={options.seed + 1}"]
        limits += [
            f"-rss_limit_mb={_MEGABYTES}",
            f"-timeout={_SECONDS_EACH}",
            f"-artifact_prefix={folder}/found-",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.proof.fuzz_target", *limits, folder], capture_output=True, text=True
        )
    if "No module named 'atheris'" in done.stderr:
        figures.broken.append("atheris is not installed: pip install -e '.[dev,proof]'")
        return figures
    ended = re.search(r"Done (\d+) runs in (\d+) second", done.stderr)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", done.stderr)
    if done.returncode or ended is None:
        figures.broken.append(f"the fuzzer ended with {done.returncode}: {done.stderr[-3000:]}")
        return figures
    edges, features = covered[-1] if covered else ("", "")
    figures.add(runs=int(ended[1]), seconds=int(ended[2]), edges=edges, features=features, findings=0)
    return figures
