"""The data path of an installed kino.service, as a real systemd tells it."""

from __future__ import annotations

import sys
from collections.abc import Callable

SCRIPT = """
mkdir -p '/srv/my kino' /srv/other /srv/third
touch '/srv/my kino/config.toml' /srv/other/config.toml /srv/third/config.toml
cat > /etc/systemd/system/kino.service <<'UNIT'
[Service]
Environment="KINO_DATA_PATH=/srv/my kino" KINO_PORT=80
ExecStart=/bin/sleep 1000
UNIT
show() {{
  systemctl daemon-reload
  {python} -c 'import os
from kino_backup_tui.core.kino.find import find_kino
print(find_kino(None, None, os.environ).data_path)'
}}
show
mkdir /etc/systemd/system/kino.service.d
printf '[Service]\\nEnvironment=KINO_DATA_PATH=/srv/other\\n' > /etc/systemd/system/kino.service.d/path.conf
show
printf '[Service]\\nExecStart=\\nExecStart=/bin/kino --data-path /srv/third serve\\n' \
  > /etc/systemd/system/kino.service.d/start.conf
show
"""


def test_environment_drop_in_and_option_are_found(under_systemd: Callable[[str], str]) -> None:
    """The unit's environment, then a drop-in that changes it, then an option that beats both."""
    printed = under_systemd(SCRIPT.format(python=sys.executable))

    assert printed.splitlines() == ["/srv/my kino", "/srv/other", "/srv/third"]
