"""The HTTP API with a real systemd: a socket that starts it, its sandbox, and one runner of the schedule."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.systemd.test_timer import MACHINE, USER

Run = Callable[[str], str]

API = (
    MACHINE
    + """
api=http://127.0.0.1:8722/api/v1
ask() { curl --silent --header "X-Api-Key: $(kino api-key show)" "$@"; }
halt() { systemctl stop "$@" 2> /dev/null; }
state() { systemctl is-active $unit-api.service $unit-api.socket $unit.timer | tr '\\n' ' '; echo; }
log() { journalctl --output=cat --no-pager --unit=$unit-api.service; }
runner() { kino status --json | jq -r .runner.text | sed 's/process [0-9]*/process N/'; }
"""
)
UNIT = "kino-backup-tui-srv-my-kino-0fe46ae3"


def test_it_is_installed_once_answers_when_asked_and_leaves_nothing(under_systemd: Run) -> None:
    """The first request starts it; nothing of it remains but the key, which belongs to Kino's user."""
    printed = under_systemd(
        API
        + """
everything > /before
kino install-service --api
kino install-service --api --json | jq -c '[.name, .done, .written, .commands]'
halt $unit-api.service
state
ask $api/backups | jq 'length > 0'
state
curl --silent --output /dev/null --write-out '%{http_code}\\n' $api/backups
stat -c '%U %a' '/srv/my kino/.kino-backup/api-key'
kino uninstall-service
kino uninstall-service --api
everything | diff /before - && echo the same
systemctl list-units --all --plain --no-legend 'kino-backup*'
systemctl list-unit-files --no-legend 'kino-backup*' || true
"""
    )

    assert printed.splitlines() == [
        f"Wrote /etc/systemd/system/{UNIT}.service.",
        f"Wrote /etc/systemd/system/{UNIT}.timer.",
        f"Enabled and started {UNIT}.timer.",
        f"Started {UNIT}.service once: it works.",
        f"Wrote /etc/systemd/system/{UNIT}-api.service.",
        f"Wrote /etc/systemd/system/{UNIT}-api.socket.",
        f"Enabled and started {UNIT}-api.socket.",
        f"{UNIT}-api.service answers at http://127.0.0.1:8722: it works.",
        f'["{UNIT}.timer and {UNIT}-api.socket",[],[],[]]',
        "inactive active active ",
        "true",
        "active active active ",
        "401",
        "daemon 600",
        f"Removed /etc/systemd/system/{UNIT}-api.service.",
        f"Removed /etc/systemd/system/{UNIT}-api.socket.",
        f"Removed /etc/systemd/system/{UNIT}.service.",
        f"Removed /etc/systemd/system/{UNIT}.timer.",
        f"There is no {UNIT}-api.socket: there was nothing to do.",
        "the same",
    ]


def test_timer_and_server_do_not_both_run_a_night(under_systemd: Run) -> None:
    """The server leaves it to the timer while that is in order, and sees to it where the timer is stopped."""
    printed = under_systemd(
        API
        + """
kino install-service --api > /dev/null
halt $unit-api.service
forget
served '2 days ago'
ask $api/backups > /dev/null
until log | grep --quiet 'The schedule is run by'; do sleep 0.1; done
runner
archives '/srv/my kino/backups'
night
archives '/srv/my kino/backups'

halt $unit.timer
halt $unit-api.service
forget
served '2 days ago'
ask $api/backups > /dev/null
until log | grep --quiet 'Created kino-backup-scheduled'; do sleep 0.1; done
runner
night
archives '/srv/my kino/backups'
ask $api/jobs | jq -c '[.[] | select(.operation == "run-due")][0:2] | map(.outcome)'
"""
    )

    assert printed.splitlines() == [
        f"{UNIT}.timer",
        "none",
        "0",
        "daemon 600",
        "kino-backup-tui serve, process N",
        "0",
        "daemon 600",
        '["ok","ok"]',
    ]


def test_in_its_sandbox_it_makes_backups_and_says_why_it_does_not_restore(under_systemd: Run) -> None:
    """Kino's user may write its files, and not stop its service: 403 with the command of who may."""
    printed = under_systemd(
        API
        + """
kino install-service --api > /dev/null
systemctl start kino.service
ask --request POST $api/backups | jq -r .kind
id="$(ask $api/backups | jq '.[0].id')"
ask --request POST --write-out '%{http_code}\\n' --output /out/refused $api/backups/$id/restore
jq -r '.error | .code, .cause, .message' /out/refused
ask --request POST --write-out '%{http_code}\\n' --output /dev/null --form archive=@/etc/hostname \
  $api/backups/restore-upload
ask --json '{"dry_run": true}' $api/backups/$id/restore | jq -c '[.blockers[].code]'
ask --request DELETE --write-out '%{http_code}\\n' $api/backups/$id
systemctl is-active kino.service
"""
    )

    lines = printed.splitlines()
    assert lines[:4] == ["manual", "403", "forbidden", "not_permitted"]
    assert "kino.service" in lines[4]
    assert "sudo" in " ".join(lines[4:-4])
    assert lines[-4:] == ["403", '["not_permitted"]', "204", "active"]


def test_a_server_of_root_restores_and_outlives_nothing_but_its_worker(under_systemd: Run) -> None:
    """By hand, as root: the restore runs in a unit of its own, and ends although the server has."""
    printed = under_systemd(
        API
        + f"""
systemctl start kino.service
id="$(kino create --json | jq .id)"
'{sys.executable}' -m kino_backup_tui --data-path '/srv/my kino' serve > /out/url 2> /out/serve.log &
server=$!
until [ -s /out/url ]; do sleep 0.1; done
job="$(ask --request POST $api/backups/$id/restore | jq -r .id)"
kill $server
wait $server
echo $?
kino watch "$job" --json | jq -rs '.[-2].event, .[-1].outcome'
systemctl is-active kino.service
"""
    )

    assert printed.splitlines() == ["0", "end", "ok", "active"]


def test_what_the_service_has_begun_outlives_it(under_systemd: Run) -> None:
    """A restore that waits for a Kino started by hand goes on when the service is stopped, and ends well."""
    printed = under_systemd(
        API
        + f"""
rm /etc/systemd/system/kino.service
systemctl daemon-reload
# In no service and under no script that might start it again.
(systemd-run --scope --quiet --uid=daemon '{sys.executable}' -m kino_backup_tui.demo.server \\
  --data-path '/srv/my kino' > /dev/null 2>&1 & echo $! > /out/pid)
"""
        + """
kino install-service --api > /dev/null
id="$(kino create --json | jq .id)"
job="$(ask --request POST $api/backups/$id/restore | jq -r .id)"
until ask $api/jobs/$job | jq -e '.stage == "waiting_for_kino"' > /dev/null; do sleep 0.1; done
halt $unit-api.socket $unit-api.service
state
kino jobs --json | jq -c --arg job "$job" '.[] | select(.id == $job) | .running'
kill "$(cat /out/pid)"
kino watch "$job" --json | jq -rs '.[-1].outcome'
"""
    )

    assert printed.splitlines() == ["inactive inactive active ", "true", "ok"]


def test_a_stop_while_it_starts_is_no_failure(under_systemd: Run) -> None:
    """Nobody is to look into a unit that has done what it was asked."""
    printed = under_systemd(
        API
        + """
kino install-service --api > /dev/null
for seconds in 0.2 0.3 0.5; do
  halt $unit-api.service
  systemctl start $unit-api.service
  sleep $seconds
  halt $unit-api.service
  systemctl show $unit-api.service --property=ActiveState --value
done
"""
    )

    assert printed.split() == ["inactive"] * 3


def test_the_location_and_the_port_are_kept_up_to_date(under_systemd: Run) -> None:
    """A new location is let in by the next install-service, without another word; the port stays."""
    printed = under_systemd(
        API
        + """
kino install-service --api --port 8799 > /dev/null
mkdir /mnt/new
chown daemon: /mnt/new
kino schedule set --location /mnt/new > /dev/null 2>&1
kino install-service | grep -c api
ask --request POST http://127.0.0.1:8799/api/v1/backups | jq -r .kind
archives() { stat -c '%U %a' /mnt/new/kino-backup-manual-*; }
archives
kino uninstall-service --api | wc -l
systemctl is-active $unit.timer
kino install-service --api --port 8722 > /dev/null
ask $api/jobs | jq 'length > 0'
"""
    )

    assert printed.splitlines() == ["4", "manual", "daemon 600", "2", "active", "true"]


def test_a_second_kino_has_an_api_at_another_port(under_systemd: Run) -> None:
    """The first one has the usual port: that is said before anything is written."""
    printed = under_systemd(
        API
        + """
cp -a '/srv/my kino' /srv/second
rm -r /srv/second/.kino-backup
kino install-service --api > /dev/null
everything > /before
"""
        + f"second() {{ '{sys.executable}' -m kino_backup_tui --data-path /srv/second \"$@\"; }}"
        + """
second install-service --api 2>&1 || echo $?
everything | diff /before - && echo the same
other=http://127.0.0.1:8723/api/v1/backups
second install-service --api --port 8723 | tail -n 1 | sed 's/.*api.service/api/'
curl --silent --header "X-Api-Key: $(second api-key show)" $other | jq 'length > 0'
curl --silent --header "X-Api-Key: $(kino api-key show)" $other | jq -r .error.code
"""
    )

    assert printed.splitlines() == [
        "error: 127.0.0.1 port 8722 cannot be had: Address already in use.",
        "Give --port another number.",
        "2",
        "the same",
        "api answers at http://127.0.0.1:8723: it works.",
        "true",
        "unauthorized",
    ]


def test_what_does_not_answer_is_not_left_installed(under_systemd: Run) -> None:
    """The timer stays, and the sentence says so."""
    printed = under_systemd(
        API
        + """
kino install-service > /dev/null
mkdir /etc/systemd/system/$unit-api.service.d
printf '[Service]\\nEnvironment=PYTHONPATH=/srv/broken\\nStandardError=journal\\n' \
  > /etc/systemd/system/$unit-api.service.d/broken.conf
mkdir /srv/broken
echo "raise ModuleNotFoundError('No module', name='fastapi')" > /srv/broken/fastapi.py
everything > /before
kino install-service --api 2>&1 || echo $?
everything | diff /before - && echo the same
systemctl list-units --all --plain --no-legend 'kino-backup*api*'
"""
    )

    lines = printed.splitlines()
    assert f"{UNIT}-api.service does not answer at http://127.0.0.1:8722: exit code 2" in lines[0]
    assert "The HTTP API needs fastapi" in lines[0]
    assert lines[-3:] == [f"{UNIT}.timer is installed, the HTTP API is not.", "8", "the same"]


def test_a_port_that_does_not_work_out_is_put_back(under_systemd: Run) -> None:
    """What was installed before listens again, where it did."""
    printed = under_systemd(
        API
        + """
kino install-service --api > /dev/null
mkdir /etc/systemd/system/$unit-api.service.d /srv/broken
printf '[Service]\\nEnvironment=PYTHONPATH=/srv/broken\\n' \
  > /etc/systemd/system/$unit-api.service.d/broken.conf
echo "raise ModuleNotFoundError('No module', name='fastapi')" > /srv/broken/fastapi.py
everything > /before
kino install-service --api --port 8799 > /dev/null 2>&1 || echo $?
everything | diff /before - && echo the same
systemctl show --property Listen --value $unit-api.socket
systemctl is-active $unit-api.socket
rm -r /srv/broken
ask $api/backups | jq 'length > 0'
"""
    )

    assert printed.splitlines() == ["8", "the same", "127.0.0.1:8722 (Stream)", "active", "true"]


def test_a_user_has_an_api_of_their_own(under_systemd: Run) -> None:
    """Without root; nothing of it is left in their home."""
    printed = under_systemd(
        MACHINE
        + USER
        + """
theirs install-service --user --api 2> /dev/null | tail -n 1
curl --silent --output /dev/null --write-out '%{http_code}\\n' http://127.0.0.1:8722/api/v1/backups
theirs uninstall-service --user > /dev/null
find /home/daemon -path '*systemd*'
"""
    )

    assert printed.splitlines() == [f"{UNIT}-api.service answers at http://127.0.0.1:8722: it works.", "401"]
