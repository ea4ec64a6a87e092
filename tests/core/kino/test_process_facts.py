"""What the kernel tells about a process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kino_backup_tui.core.kino.process_facts import (
    ServiceOf,
    activity,
    arguments,
    effective_user,
    in_container,
    parent,
    parse_service,
    process_name,
    program,
)

USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/system.slice/kino.service", ServiceOf("kino.service")),
        ("/kino.slice/kino-media.slice/kino.service/worker", ServiceOf("kino.service")),
        ("/system.slice/system-kino.slice/kino@one.service", ServiceOf("kino@one.service")),
        (f"{USER}/app.slice/kino.service", ServiceOf("kino.service", 1000)),
        (f"{USER}/kino.service", ServiceOf("kino.service", 1000)),
        (USER, ServiceOf("user@1000.service")),
        (f"{USER}/init.scope", ServiceOf("init.scope", 1000)),
        ("/user.slice/user-1000.slice/session-3.scope", ServiceOf("session-3.scope")),
        ("/docker/0123456789ab", None),
        ("/", None),
    ],
)
def test_the_unit_is_read_from_the_control_group(path: str, service: ServiceOf | None) -> None:
    """In the unified hierarchy, and in the one that systemd has named where nothing is in that."""
    assert parse_service(f"0::{path}\n") == service
    assert parse_service(f"4:memory:/x.service\n1:name=systemd:{path}\n0::/\n") == service


def test_the_unified_hierarchy_counts_where_both_name_a_unit() -> None:
    """systemd goes by it, and has been seen to leave a process that it restarts elsewhere in the other."""
    assert parse_service("1:name=systemd:/init.scope\n0::/system.slice/kino.service\n") == ServiceOf(
        "kino.service"
    )


def test_without_control_groups_there_is_no_unit() -> None:
    """As for a process that has just ended."""
    assert parse_service("") is None


def test_a_process_is_described() -> None:
    """By what the kernel knows of it: name, command line, parent, user, work done."""
    busy = "print('x' * 5000000, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process_name(process.pid) == f"process {process.pid} ({program(process.pid)})"
        assert program(process.pid).startswith("python")
        assert arguments(process.pid) == [sys.executable, "-c", busy]
        assert parent(process.pid) == os.getpid()
        assert effective_user(process.pid) == os.geteuid()
        assert not in_container(process.pid)
        assert activity(process.pid).io_bytes >= 5_000_000
        process.communicate()


def test_a_process_that_is_gone_is_no_error() -> None:
    """Nothing is known of it then."""
    process = subprocess.Popen(["true"])
    process.wait()
    assert process_name(process.pid) == f"process {process.pid}"
    assert (parent(process.pid), arguments(process.pid)) == (None, [])
    assert activity(process.pid) == (0.0, 0)
