"""A `docker` that knows one container, for machines without an engine.

It takes the orders that the documentation of Docker's command line gives, keeps what it knows in a file,
prints what Docker 28 prints, and writes down each order. The program in a folder for PATH starts this file
with that file and its arguments.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ID = "9f6ad0ad54bd5c0a4a2c8a3a1d7b0c7bb8d28a7b6a4f5a36bc2f6d3e1c0b9a87"
DENIED = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
    'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/containers/json": dial unix /var/run/docker.sock: connect: '
    "permission denied"
)
SILENT = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


def container(source: Path) -> dict[str, Any]:
    """What `docker inspect` prints of Kino's container, as far as anybody reads it."""
    return {
        "Id": ID,
        "Created": "2026-04-20T18:02:11.219415313Z",
        "Path": "/usr/bin/kino",
        "Args": ["serve"],
        "State": {
            "Status": "exited",
            "Running": False,
            "Paused": False,
            "Restarting": False,
            "OOMKilled": False,
            "Dead": False,
            "Pid": 0,
            "ExitCode": 137,
            "Error": "",
            "StartedAt": "2026-04-26T01:00:03.012Z",
            "FinishedAt": "2026-04-26T07:11:43.7Z",
        },
        "Image": "sha256:0c1b",
        "Name": "/kino",
        "RestartCount": 0,
        "Driver": "overlay2",
        "HostConfig": {
            "Binds": [f"{source}:/data:rw"],
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
            "AutoRemove": False,
        },
        "Mounts": [
            {
                "Type": "bind",
                "Source": str(source),
                "Destination": "/data",
                "Mode": "rw",
                "RW": True,
                "Propagation": "rprivate",
            }
        ],
        "Config": {
            "Hostname": "9f6ad0ad54bd",
            "Env": ["KINO_PORT=8080", "KINO_DATA_PATH=/data", "PATH=/usr/local/bin:/usr/bin"],
            "Cmd": None,
            "Image": "ghcr.io/kinostack-app/kino",
            "Entrypoint": ["/usr/bin/kino", "serve"],
            "Labels": {"com.docker.compose.project": "media", "com.docker.compose.service": "kino"},
        },
    }


class FakeDocker:
    """The program in a folder for PATH, and what it knows."""

    def __init__(self, folder: Path, source: Path, *, as_podman: bool = False) -> None:
        """With `as_podman` it is Podman as of before 5.1, which cannot change a restart policy."""
        folder.mkdir(parents=True)
        self._file = folder / "state.json"
        known = container(source) | ({"ConmonPidFile": ""} if as_podman else {})
        options = [] if as_podman else ["      --restart string             Restart policy to apply when a"]
        start = {"containers": [known], "orders": [], "fail": {}, "options": options}
        self.change(lambda state: state.update(start))
        program = folder / ("podman" if as_podman else "docker")
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{self._file}" "$@"\n')
        program.chmod(0o755)

    def change(self, how: Any) -> None:
        """Change what it knows."""
        state = json.loads(self._file.read_text()) if self._file.exists() else {}
        how(state)
        self._file.write_text(json.dumps(state))

    def change_container(self, **parts: dict[str, Any]) -> None:
        """Change tables of the container, such as `State={"Status": "running"}`."""
        self.change(lambda state: [state["containers"][0][name].update(part) for name, part in parts.items()])

    @property
    def container(self) -> dict[str, Any]:
        """How the container is now."""
        found: dict[str, Any] = json.loads(self._file.read_text())["containers"][0]
        return found

    @property
    def policy(self) -> str:
        """Its restart policy."""
        policy = self.container["HostConfig"]["RestartPolicy"]
        return str(policy["Name"]) + (
            f":{policy['MaximumRetryCount']}" if policy["MaximumRetryCount"] else ""
        )

    @property
    def orders(self) -> list[list[str]]:
        """What it was told that changes something."""
        found: list[list[str]] = json.loads(self._file.read_text())["orders"]
        return found


def _main(file: Path, arguments: list[str]) -> int:
    state = json.loads(file.read_text())
    verb, *rest = arguments
    known = {each["Id"]: each for each in state["containers"]} | {
        each["Name"].lstrip("/"): each for each in state["containers"]
    }
    if (said := state["fail"].get(verb) or state["fail"].get("all")) and rest != ["--help"]:
        sys.stderr.write(f"{said}\n")
        return 1
    if verb == "ps":
        sys.stdout.writelines(f"{each['Id']}\n" for each in state["containers"])
        return 0
    if verb == "inspect":
        names = [word for word in rest if word not in ("--type", "container")]
        sys.stdout.write(json.dumps([known[name] for name in names if name in known]) + "\n")
        missing = [name for name in names if name not in known]
        sys.stderr.writelines(f"Error: No such container: {name}\n" for name in missing)
        return int(bool(missing))
    if rest == ["--help"]:
        sys.stdout.writelines(f"{line}\n" for line in state["options"])
        return 0
    if verb == "logs":
        sys.stdout.write("listening on 0.0.0.0:8080\n")
        sys.stderr.write("warning: no library\n")
        return 0
    state["orders"].append(arguments)
    target = known.get(rest[-1])
    if target is None:
        sys.stderr.write(f"Error response from daemon: No such container: {rest[-1]}\n")
        return 1
    if verb == "update":
        name, _, retries = rest[0].removeprefix("--restart=").partition(":")
        target["HostConfig"]["RestartPolicy"] = {"Name": name, "MaximumRetryCount": int(retries or 0)}
    elif verb == "stop":
        target["State"].update(Status="exited", Running=False, Restarting=False, Pid=0, ExitCode=137)
    elif verb == "start":
        target["State"].update(Status="running", Running=True, ExitCode=0)
    file.write_text(json.dumps(state))
    sys.stdout.write(f"{rest[-1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2:]))
