"""How a unit of systemd is, in words; the properties are those of org.freedesktop.systemd1(5)."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping

from kino_backup_tui.core.supervisors.base import ServiceState

STATE_PROPERTIES = (
    "ActiveState",
    "SubState",
    "MainPID",
    "NRestarts",
    "Result",
    "ExecMainCode",
    "ExecMainStatus",
    "Job",
)

_ACTIVE = {"active", "activating", "reloading"}
_SETTLED = {"active", "inactive", "failed"}
_STOPPED = {"inactive", "failed"}
_WORDS = {
    "active": "running",
    "activating": "starting",
    "deactivating": "stopping",
    "inactive": "stopped",
    "reloading": "reloading",
}
_EXITED, _KILLED, _DUMPED = "1", "2", "3"
"""How the main process ended, as waitid(2) numbers it."""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"([\d.]+)(us|ms|s|min|h|d)\b")


def service_state(shown: Mapping[str, str]) -> ServiceState:
    """Put those properties together."""
    active = shown.get("ActiveState", "")
    restarts = _number(shown, "NRestarts")
    ended = _ended(shown, active)
    text = _WORDS.get(active, active or "not known")
    if ended and active != "activating":
        text = f"failed ({ended})"
    elif shown.get("SubState", "").startswith("auto-restart"):
        text = f"waiting to be restarted ({ended})"
    if restarts:
        text += f", restarted {restarts} time{'s' if restarts > 1 else ''}"
    return ServiceState(
        active=active in _ACTIVE,
        text=text,
        # A start or a stop that waits for its turn is not visible in the state yet.
        settled=active in _SETTLED and not _number(shown, "Job"),
        pid=_number(shown, "MainPID") or None,
        restarts=restarts,
        ended=ended,
    )


def is_down(shown: Mapping[str, str], *, held: bool) -> bool:
    """Whether Kino is stopped. Where its gate is closed (`held`), a start that waits or is asked comes to
    nothing; without one it may come to something."""
    stopped = shown.get("ActiveState") in _STOPPED
    return stopped and not _number(shown, "Job") if not held else stopped or _is_condition(shown)


def is_being_asked(shown: Mapping[str, str]) -> bool:
    """Whether a start is ordered, or its conditions are being asked."""
    return _is_condition(shown) or (shown.get("ActiveState") in _STOPPED and bool(_number(shown, "Job")))


def was_refused(shown: Mapping[str, str]) -> bool:
    """Whether a condition has refused the last start."""
    return shown.get("ActiveState") in _STOPPED and shown.get("Result") == "exec-condition"


def seconds_of(span: str) -> float | None:
    """A span of time as systemd prints it ("1min 30s"); None for "infinity" and what is not understood."""
    found = _SPAN.findall(span)
    return sum(float(number) * _UNITS[unit] for number, unit in found) if found else None


def _ended(shown: Mapping[str, str], active: str) -> str:
    result = shown.get("Result", "success")
    if active == "failed" or shown.get("SubState", "").startswith("auto-restart"):
        return _reason(shown, result)
    # Before it is started again; what systemd calls its result is that of the new start by then.
    restarted = active == "activating" and _number(shown, "NRestarts") and not _number(shown, "MainPID")
    return _exit(shown) if restarted else ""


def _reason(shown: Mapping[str, str], result: str) -> str:
    ended = _exit(shown)
    if result in ("exit-code", "signal", "core-dump", "success"):
        return ended or "it ended by itself"
    words = "started too often" if result == "start-limit-hit" else result.replace("-", " ")
    return f"{words}, {ended}" if ended else words


def _exit(shown: Mapping[str, str]) -> str:
    code, status = shown.get("ExecMainCode", ""), shown.get("ExecMainStatus", "")
    if code == _EXITED and status != "0":
        return f"exit code {status}"
    return f"ended by {_signal(status)}" if code in (_KILLED, _DUMPED) else ""


def _is_condition(shown: Mapping[str, str]) -> bool:
    return shown.get("SubState") == "condition"


def _signal(number: str) -> str:
    try:
        return signal.Signals(int(number)).name
    except ValueError:
        return f"signal {number}"


def _number(shown: Mapping[str, str], name: str) -> int:
    value = shown.get(name, "")
    return int(value) if value.isdecimal() else 0
