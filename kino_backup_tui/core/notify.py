"""Telling somebody that scheduled backups fail, or are good again: a command, a web hook, or both.

It comes after the backup and is bounded in time: ten seconds for the command, three times five for the web
hook. What goes wrong here is a remark about the run, and never fails it. An address may hold secrets in any
of its parts, and so may a command: neither is ever repeated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kino_backup_tui.core.kino.tool_config import ToolConfig

if TYPE_CHECKING:
    from urllib.parse import SplitResult

COMMAND_SECONDS = 10.0
HOOK_SECONDS = 5.0
_PAUSES = (1.0, 2.0)
"""Between the attempts at the web hook, of which there is one more."""
_WORTH_ANOTHER_TRY = frozenset({408, 429})


class Told(NamedTuple):
    """What became of a message."""

    delivered: bool
    """Whether it has got through on at least one way."""
    problems: tuple[str, ...]
    """A sentence for each way that failed."""


class _Attempt(NamedTuple):
    problem: str
    """Empty if it went well."""
    again: bool = False


def tell(config: ToolConfig, message: Mapping[str, Any]) -> Told:
    """Send a message on all ways that are configured, as a JSON object; raises nothing."""
    body = json.dumps(message).encode()
    ways = []
    if config.notify_command:
        ways.append(_run(config.notify_command, body))
    if config.notify_url:
        ways.append(_post_patiently(config.notify_url, body))
    return Told(any(not problem for problem in ways), tuple(problem for problem in ways if problem))


def _run(command: tuple[str, ...], body: bytes) -> str:
    """Give the message to a program on its standard input; returns what went wrong."""
    import subprocess
    import tempfile

    from kino_backup_tui.core.supervisors.output import end_group

    try:
        # Files, not pipes: a program that reads nothing, or leaves something running, holds nobody up.
        with tempfile.TemporaryFile() as stream:
            stream.write(body)
            stream.seek(0)
            process = subprocess.Popen(
                command,
                stdin=stream,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except OSError as error:
        return f"notify_command could not be run: {error.strerror or 'unknown error'}."
    with process:
        try:
            code = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            end_group(process)
            return f"notify_command did not end within {COMMAND_SECONDS:.0f} seconds, and was ended."
        except BaseException:
            end_group(process)
            raise
    if code > 0:
        return f"notify_command ended with exit code {code}."
    return f"notify_command was ended by signal {-code}." if code else ""


def _post_patiently(url: str, body: bytes) -> str:
    """Post the message, up to three times; returns what went wrong the last time."""
    attempt = _post_bounded(url, body)
    for pause in _PAUSES:
        if not attempt.again:
            break
        time.sleep(pause)
        attempt = _post_bounded(url, body)
    return attempt.problem


def _post_bounded(url: str, body: bytes) -> _Attempt:
    """One attempt, given up after five seconds.

    In a thread of its own: neither looking up a name nor an answer that trickles in heeds a time limit.
    """
    import threading

    answers: list[_Attempt] = []
    thread = threading.Thread(target=lambda: answers.append(_post(url, body)), daemon=True)
    thread.start()
    thread.join(HOOK_SECONDS)
    return answers[0] if answers else _Attempt("notify_url did not answer in time.", again=True)


def _post(url: str, body: bytes) -> _Attempt:
    import http.client
    import ssl
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=HOOK_SECONDS)
    try:
        connection.request("POST", _target(parts), body, _headers(parts))
        status = connection.getresponse().status
    except ssl.SSLCertVerificationError:
        return _Attempt("The certificate of notify_url is not valid for it.")
    except OSError as error:
        # Not its text, which may hold the name of the host.
        return _Attempt(f"notify_url could not be reached ({type(error).__name__}).", again=True)
    except (http.client.HTTPException, ValueError) as error:
        return _Attempt(f"notify_url gave no proper answer ({type(error).__name__}).", again=True)
    finally:
        connection.close()
    if 200 <= status < 300:
        return _Attempt("")
    if 300 <= status < 400:
        # Whoever sends us elsewhere would get the message, and what the address holds, sent anywhere.
        return _Attempt(f"notify_url answers with a redirect ({status}), which is not followed.")
    return _Attempt(f"notify_url answered {status}.", again=status >= 500 or status in _WORTH_ANOTHER_TRY)


def _target(parts: SplitResult) -> str:
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _headers(parts: SplitResult) -> dict[str, str]:
    from kino_backup_tui import __version__

    headers = {"Content-Type": "application/json", "User-Agent": f"kino-backup-tui/{__version__}"}
    if parts.username is not None:
        import base64
        from urllib.parse import unquote

        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers
