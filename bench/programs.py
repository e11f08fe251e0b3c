# SPDX-License-Identifier: ISC
"""How each program is started: the floors, filemon, and its peers."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field

FLOOR = "floor inotify"
FLOOR_FANOTIFY = "floor fanotify"
MONITOR = "filemon monitor"
FANOTIFY = "filemon monitor, fanotify"
DAEMON = "filemon daemon"
COLD = "filemon daemon, first scan"
KNOWN = "filemon daemon, known tree"
STARTED = '"type":"started"'


@dataclass
class Start:
    """A program to be started.  live: ready is printed, or probe is named."""
    name: str
    argv: list
    ready: str = None
    probe: str = None
    every: int = None  # ms between rewrites of probe
    fifo: str = None   # where handlers report
    state: str = None  # of a filemon daemon
    env: dict = field(default_factory=dict)


# The floors

def floor_inotify(lab, root, fifo=None):
    handler = ["--", lab.tool("mark"), fifo] if fifo else []
    return Start(FLOOR, [lab.tool("floor_inotify"), root] + handler, "ready", fifo=fifo)


def floor_fanotify(lab, root):
    return Start(FLOOR_FANOTIFY, [lab.tool("floor_fanotify"), root], "ready")


# filemon

def monitor(lab, root):
    return Start(MONITOR, [lab.program("filemonctl"), "watch", root], STARTED)


def monitor_fanotify(lab, root):
    return Start(FANOTIFY, [lab.program("filemonctl"), "watch", "-o",
                            "backend=fanotify", root], STARTED)


def daemon(lab, root, state=None, conf="", name=DAEMON, fifo=None):
    """In the foreground, with its state beside the tree and not in it."""
    state = state or os.path.join(lab.fresh(), "state")
    os.makedirs(state, exist_ok=True)
    file = os.path.join(state, "filemon.conf")
    with open(file, "w") as out:
        out.write(conf or "settle = 0ms\n")
    argv = [lab.program("filemond"), "-f", "--format", "none" if fifo else "json",
            "-C", root, "-c", file, "-o", f"state-dir={state}"]
    if fifo:  # stdout says nothing, the trace log does
        return Start(name, argv, "ready: watching", fifo=fifo, state=state)
    return Start(name, argv, STARTED, state=state)


def daemon_handler(lab, root, fifo):
    conf = (f'settle = 0ms\nhandler mark {{\n\tload = {{ "{lab.tool("mark")}", '
            f'"{fifo}", "{{path}}" }}\n\tinitial = skip\n\tjobs = 2\n}}\n')
    return daemon(lab, root, conf=conf, fifo=fifo)


def has_fanotify(lab):
    """Does this filemond know the backend?"""
    root = lab.fresh()
    test = [lab.program("filemond"), "-t", "-C", root, "-c", "/dev/null",
            "-o", "backend=fanotify"]
    return subprocess.run(test, capture_output=True).returncode == 0


# Peers that print what happened

def inotifywait(lab, root, probe):
    return Start("inotifywait", [
        "inotifywait", "-m", "-r", "-e", "create,close_write,moved_to,delete",
        "--format", "%w%f", root], "Watches established.")


def fswatch(lab, root, probe):
    return Start("fswatch", ["fswatch", "-r", "-l", "0.1", "--allow-overflow",
                             "-m", "inotify_monitor", root], probe=probe)


def watchman(lab, root, probe):
    top = lab.fresh()
    with open(f"{top}/config.json", "w") as file:
        json.dump({"settle": 1}, file)
    with open(f"{top}/subscribe", "w") as file:
        json.dump(["subscribe", root, "bench",
                   {"expression": ["type", "f"], "fields": ["name"]}], file)
        file.write("\n")
    client = f"watchman --sockname={top}/sock --no-spawn"
    script = f"""
        watchman --foreground --sockname={top}/sock --statefile={top}/state \
            --logfile={top}/log --pidfile={top}/pid >/dev/null 2>&1 </dev/null &
        until {client} get-pid >/dev/null 2>&1; do sleep 0.01; done
        {client} watch {root} >/dev/null
        exec {client} -p -j <{top}/subscribe"""
    return Start("watchman", ["sh", "-c", script], probe=probe, every=10,
                 env={"WATCHMAN_CONFIG_FILE": f"{top}/config.json"})


# Peers that run a handler for each file

def direvent(lab, root, fifo, probe):
    conf = os.path.join(lab.fresh(), "conf")
    with open(conf, "w") as file:
        file.write(f"""watcher {{
            path {root} recursive;
            event (close_write);
            command "{lab.tool('mark')} {fifo} ./$file";
        }}\n""")
    return Start("direvent", ["direvent", "--foreground", conf], probe=probe,
                 every=20, fifo=fifo)


def lsyncd(lab, root, fifo, probe):
    top = lab.fresh()
    run = f'"{lab.tool("mark")} {fifo} ^sourcePathname"'
    with open(f"{top}/conf", "w") as file:
        file.write(f"""settings {{ nodaemon = true, maxProcesses = 2,
            inotifyMode = "CloseWrite" }}
            bench = {{ delay = 0, maxProcesses = 2, onCreate = {run}, onModify = {run} }}
            sync {{ bench, source = "{root}", target = "{top}" }}\n""")
    return Start("lsyncd", ["lsyncd", "-nodaemon", f"{top}/conf"], probe=probe,
                 every=20, fifo=fifo)


def incrond(lab, root, fifo, probe):
    top = lab.fresh()
    for name in ("tables", "users"):
        os.mkdir(f"{top}/{name}")
    with open(f"{top}/tables/bench", "w") as file:
        file.write(f"{root} IN_CLOSE_WRITE {lab.tool('mark')} {fifo} $@/$#\n")
    with open(f"{top}/conf", "w") as file:
        file.write(f"system_table_dir = {top}/tables\nuser_table_dir = {top}/users\n"
                   f"lockfile_dir = {top}\nlockfile_name = lock\n")
    return Start("incrond", ["incrond", "-n", "-f", f"{top}/conf"], probe=probe,
                 every=20, fifo=fifo)


def entr(lab, root, fifo, probe):
    script = f"find {root} -type f | entr -n -p {lab.tool('mark')} {fifo} /_"
    return Start("entr", ["sh", "-c", script], probe=probe, every=100, fifo=fifo)


WATCHING = {"inotifywait": inotifywait, "fswatch": fswatch, "watchman": watchman}
HANDLING = {"direvent": direvent, "lsyncd": lsyncd, "incrond": incrond, "entr": entr}


def installed(peers):
    return {name: start for name, start in peers.items() if shutil.which(name)}
