"""The processes of a run: its group, and those that left it, known by a variable that they inherited."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

COOKIE = "EVENFIT_SWEEP_FOLDER"  # of a run's processes: the run's folder

# What waits for evenfit's end, however it comes, and ends what it left: a pipe says so, even after SIGKILL.
# It is a program of its own because it must outlive evenfit.
_WATCHDOG = """
import os, signal, sys, time
os.setsid()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
sys.stdin.buffer.read()
sign = (sys.argv[1] + "=" + sys.argv[2] + "/").encode()
for _ in range(20):
    found = False
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    ours = any(each.startswith(sign) for each in file.read().split(bytes(1)))
                if ours:
                    found = True
                    os.kill(int(name), signal.SIGKILL)
            except OSError:
                pass
    if not found:
        break
    time.sleep(0.05)
"""


def kin(folder: Path) -> list[int]:
    """Give the numbers of a run's processes, children that left its group among them; none where there is no /proc."""
    sign = f"{COOKIE}={folder}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if sign in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return [number for number in found if number != os.getpid()]


def kill(group: int, folder: Path) -> None:
    """End a run's group, and whatever has left it, at once."""
    send(group, signal.SIGKILL)
    for _ in range(5):  # what is killed may just have made another
        left = kin(folder)
        for number in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        if not left:
            return


def send(group: int, number: int) -> None:
    """Send a signal to a group, if there is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def watch(folder: Path) -> subprocess.Popen[bytes] | None:
    """Start what ends a sweep's programs should evenfit be killed; closing its standard input ends it."""
    if sys.platform != "linux":
        return None
    return subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-I", "-S", "-c", _WATCHDOG, COOKIE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
