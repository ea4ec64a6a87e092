"""A Podman that cannot change a restart policy is held at boot by the unit that would start the container."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.systemd.machine import PREPARE, ROOT, python

Run = Callable[[str], str]


def test_the_unit_that_starts_containers_at_boot_asks_first(under_systemd: Run) -> None:
    """Only while the gate is closed."""
    printed = under_systemd(
        PREPARE
        + f"""
systemctl disable --quiet kino.service 2> /dev/null || true
rm /etc/systemd/system/kino.service
cat > /etc/systemd/system/podman-restart.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/touch /run/started
[Install]
WantedBy=default.target
UNIT
systemctl daemon-reload
systemctl enable --quiet podman-restart.service
cd '{ROOT}'
'{sys.executable}' - <<'PROGRAM'
from pathlib import Path
from tests.core.supervisors.fake_docker import FakeDocker
podman = FakeDocker(Path("/srv/bin"), Path("/srv/my kino"), as_podman=True)
podman.change_container(HostConfig={{"RestartPolicy": {{"Name": "always", "MaximumRetryCount": 0}}}})
PROGRAM
export PATH=/srv/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
        + python("""
gate = Path("/etc/systemd/system/podman-restart.service.d/zz-kino-backup-tui.conf")
print(found.name, found.problem())
found.close_gate(["/bin/false"])
systemctl("start", "podman-restart.service")
print(gate.exists(), Path("/run/started").exists())
found.open_gate()
systemctl("start", "podman-restart.service")
print(gate.exists(), Path("/run/started").exists())
""")
    )

    assert printed.splitlines() == ["container kino None", "True False", "False True"]
