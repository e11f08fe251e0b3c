# SPDX-License-Identifier: ISC
"""Where the benchmark works: trees, the driver of the timed programs, /proc."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time


class Lab:
    """Two working directories, on disk and in memory, gone at the end."""

    def __init__(self, build, disk, ram):
        self.build = os.path.abspath(build)
        self.disk = tempfile.mkdtemp(prefix="work.", dir=os.path.abspath(disk))
        self.ram = tempfile.mkdtemp(prefix="filemon-bench.", dir=os.path.abspath(ram))
        self.trees = {}
        self.made = 0

    def close(self):
        for top in (self.disk, self.ram):
            shutil.rmtree(top, ignore_errors=True)

    def tool(self, name):
        return os.path.join(self.build, "bench", name)

    def program(self, name):
        return os.path.join(self.build, name)

    def fresh(self, top=None):
        """A new empty directory (in memory unless told otherwise)."""
        self.made += 1
        path = os.path.join(top or self.ram, f"w{self.made}")
        os.mkdir(path)
        return path

    def make_tree(self, path, dirs, per):
        subprocess.run([self.tool("tree"), path, str(dirs), str(per)], check=True)

    def tree(self, top, dirs, per):
        """A tree that is made once and that nobody may change."""
        key = (top, dirs, per)
        if key not in self.trees:
            path = os.path.join(self.fresh(top), "tree")
            self.make_tree(path, dirs, per)
            self.trees[key] = path
        warm(self.trees[key])
        return self.trees[key]

    def drop_tree(self, top, dirs, per):
        path = self.trees.pop((top, dirs, per), None)
        if path:
            shutil.rmtree(os.path.dirname(path))


def warm(path):
    for _ in os.walk(path):
        pass


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


class DriveError(Exception):
    pass


class Drive:
    """A program started by drive.c: see the commands there."""

    def __init__(self, lab, start, limit=120):
        argv = [lab.tool("drive"), "-w", str(limit)]
        for flag, value in (("-r", start.ready), ("-p", start.probe),
                            ("-i", start.every), ("-f", start.fifo)):
            if value:
                argv += [flag, str(value)]
        self.name = start.name
        self.process = subprocess.Popen(
            argv + start.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, env={**os.environ, **start.env})
        answer = self.read()
        self.pid = answer["pid"]
        self.live_ms = answer["live_ms"]
        if self.live_ms is None:
            self.close()
            raise DriveError(f"{self.name}: did not become live")

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise DriveError(f"{self.name}: the driver ended")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        return self.read()

    def settle(self, quiet_ms, limit_ms=20000):
        self.ask("settle", quiet_ms, limit_ms)

    def processes(self):
        return Processes(tree_of(self.pid))

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.read()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def tree_of(top):
    """top and all below it."""
    below = {}
    for entry in os.listdir("/proc"):
        stat = read_text(f"/proc/{entry}/stat") if entry.isdigit() else ""
        if stat:
            parent = int(stat.rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(entry))
    found, todo = [], [top]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += below.get(pid, [])
    return found


class Processes:
    """Sums over processes that stay."""

    def __init__(self, pids):
        self.pids = pids

    def only(self, *names):
        """Those whose title names one of these."""
        return Processes([pid for pid in self.pids if any(
            name in read_text(f"/proc/{pid}/cmdline") for name in names)])

    def field(self, path, *names):
        total = 0
        for pid in self.pids:
            for line in read_text(f"/proc/{pid}/{path}").splitlines():
                name, _, rest = line.partition(":")
                if name in names:
                    total += int(rest.split()[0])
        return total

    def pss_kib(self):
        return self.field("smaps_rollup", "Pss")

    def private_kib(self):
        return self.field("smaps_rollup", "Private_Clean", "Private_Dirty")

    def rss_kib(self):
        return self.field("status", "VmRSS")

    def peak_kib(self):
        return self.field("status", "VmHWM")

    def forget_peak(self):
        for pid in self.pids:
            try:
                with open(f"/proc/{pid}/clear_refs", "w") as file:
                    file.write("5")  # proc(5): resets VmHWM
            except OSError:
                pass

    def _tasks(self):
        for pid in self.pids:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    yield f"/proc/{pid}/task/{task}"
            except OSError:
                continue

    def cpu_ns(self):
        return sum(int(text.split()[0]) for text in
                   (read_text(task + "/schedstat") for task in self._tasks()) if text)

    def wakeups(self):
        total = 0
        for task in self._tasks():
            for line in read_text(task + "/status").splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total


class Control:
    """A connection to a daemon's control socket."""

    def __init__(self, state_dir):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(state_dir, "control.sock"))
        self.file = self.socket.makefile("rw")

    def ask(self, method, **params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.file.write(json.dumps(request) + "\n")
        self.file.flush()
        answer = json.loads(self.file.readline())
        if "error" in answer:
            raise DriveError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def idle(self, limit_s=300):
        if not self.ask("wait", timeout_ms=limit_s * 1000)["idle"]:
            raise DriveError("the daemon did not become idle")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class QueueLength:
    """fs.inotify.max_queued_events, for the time of a program's start.  It is
    the whole machine's: the lock is the one that the tests take."""

    knob = "/proc/sys/fs/inotify/max_queued_events"

    def __init__(self, length):
        self.length = length

    def __enter__(self):
        import fcntl
        name = "filemon-test.queue.lock"
        self.lock = open(os.path.join(os.environ.get("TMPDIR", "/tmp"), name), "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.was = read_text(self.knob).strip()
        self.set(self.length)

    def set(self, length):
        with open(self.knob, "w") as file:
            file.write(str(length))

    def __exit__(self, *_):
        self.set(self.was)
        self.lock.close()


def may_set_queue():
    return os.access(QueueLength.knob, os.W_OK) and os.geteuid() == 0


def now_ms():
    return time.monotonic_ns() / 1e6
