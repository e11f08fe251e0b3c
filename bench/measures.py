# SPDX-License-Identifier: ISC
"""The measures.  Each is a function of (bench, factor): factor is 1, or less for
the table of growth.  A round calls it once; medians are taken over rounds."""

import contextlib
import json
import os
import subprocess
import time

import programs
from lab import Control, Drive, DriveError, QueueLength, may_set_queue, now_ms, remove
from programs import COLD, DAEMON, KNOWN
from results import RUNS_HANDLERS, SCAN, SPAWN

SETTLED_MS = 100  # nothing printed for so long: quiet
STORM_DIRS = 100
WARM_FILES = 1000
STORM_QUIET_MS = 4000  # longer than filemon waits before it repairs a loss
STORM_LIMIT_MS = 60000
PEER_LIMIT_MS = 5000  # for peers that run a handler a file
QUEUE = 16384  # the kernel's default
LATENCY_GAP_US = 5000
WRITERS = 2
RENAMES = 5
REST_S = 2  # after that filemon has given back what only the work needed


class Bench:
    """What the measures share."""

    def __init__(self, lab, results, sizes):
        self.lab = lab
        self.results = results
        self.sizes = sizes
        self.peers = False    # in this round
        self.fanotify = programs.has_fanotify(lab)

    def add(self, *figure):
        self.results.add(*figure)

    def watching(self, root, probe, peers=True):
        """Everything that prints what happens below root."""
        lab = self.lab
        starts = [programs.floor_inotify(lab, root), programs.floor_fanotify(lab, root),
                  programs.monitor(lab, root)]
        if self.fanotify:
            starts.append(programs.monitor_fanotify(lab, root))
        if self.peers and peers:
            starts += [peer(lab, root, probe)
                       for peer in programs.installed(programs.WATCHING).values()]
        return starts

    def handling(self, root, probe):
        """The peers that only run handlers."""
        if not self.peers:
            return []
        return [peer(self.lab, root, self.fifo(), probe)
                for peer in programs.installed(programs.HANDLING).values()]

    def fifo(self):
        return os.path.join(self.lab.fresh(), "fifo")

    def each(self, measure, starts, work):
        """Runs work(drive, start); a program that fails is a note, not the end."""
        for start in starts:
            try:
                with Drive(self.lab, start) as drive:
                    work(drive, start)
            except DriveError as error:
                self.results.note(measure, str(error))


# Set-up and memory

def last_file(root, dirs):
    """The file of the deepest and last directory: watched last by most."""
    path, i, names = root, dirs - 1, []
    while i > 0:
        names.append(f"dir-{i:06d}")
        i = (i - 1) // 32
    return os.path.join(path, *reversed(names), f"f{dirs - 1:07d}")


def setup_one(bench, dirs):
    lab, root = bench.lab, bench.lab.tree(bench.lab.disk, dirs, 1)
    probe = last_file(root, dirs)
    state = os.path.join(lab.fresh(lab.disk), "state")
    starts = bench.watching(root, probe)
    starts += [programs.daemon(lab, root, state, name=COLD),
               programs.daemon(lab, root, state, name=KNOWN)]

    def live(drive, start):
        bench.add("setup", start.name, "live ms", dirs, drive.live_ms)
        drive.settle(SETTLED_MS)
        processes = drive.processes()
        bench.add("memory", start.name, "PSS KiB", dirs, processes.pss_kib())
        bench.add("memory", start.name, "private KiB", dirs, processes.private_kib())
        if dirs == 1 and start.name == KNOWN:
            base(bench, processes.only("supervisor", "watcher"))

    bench.each("setup", starts + bench.handling(root, probe), live)
    remove(os.path.dirname(state))


def base(bench, processes):
    bench.add("memory", KNOWN, "base KiB, supervisor + watcher", 1, processes.pss_kib())
    bench.add("memory", KNOWN, "base private KiB, supervisor + watcher", 1,
              processes.private_kib())


def setup(bench, factor):
    sizes = [1] + bench.sizes["dirs"]
    for dirs in sizes:
        setup_one(bench, dirs)
    few, many = sizes[1], sizes[-1]
    names = {key[1] for key in bench.results.rounds if key[0] == "memory"}
    for name in sorted(names):
        a, b = (bench.results.get("memory", name, "PSS KiB", n) for n in (few, many))
        if a is not None and b is not None:
            bench.add("memory", name, "bytes a directory", many,
                      (b - a) * 1024 / (many - few))


# Latency

def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def latency(bench, factor):
    dirs = int(bench.sizes["dirs"][-1] * factor)
    lab, root = bench.lab, bench.lab.tree(bench.lab.ram, dirs, 1)
    probe = last_file(root, dirs)
    fifos = [bench.fifo(), bench.fifo()]
    handlers = [programs.floor_inotify(lab, root, fifos[0]),
                programs.daemon_handler(lab, root, fifos[1])]

    def work(drive, start):
        drive.settle(SETTLED_MS)
        time.sleep(0.3)
        answer = drive.ask("latency", bench.sizes["latency"], LATENCY_GAP_US, dirs, 1, root)
        name = start.name + (RUNS_HANDLERS if start.fifo else "")
        if answer["us"]:
            bench.add("latency", name, "p50 µs", dirs, percentile(answer["us"], 0.5))
            bench.add("latency", name, "p99 µs", dirs, percentile(answer["us"], 0.99))
        bench.add("latency", name, "lost", dirs, answer["lost"])

    starts = bench.watching(root, probe) + [programs.daemon(lab, root)] + handlers
    peers = [p for p in bench.handling(root, probe) if p.name != "entr"]
    bench.each("latency", starts + peers, work)


# Storm and overflow

def storm_root(bench):
    root = os.path.join(bench.lab.fresh(), "tree")
    os.mkdir(root)
    for i in range(STORM_DIRS):
        os.mkdir(f"{root}/s{i:03d}")
    os.makedirs(f"{root}/warm/s000")
    return root


def storm_words(bench, root, files, limit=STORM_LIMIT_MS):
    return ("storm", files, WRITERS, STORM_DIRS, 0, STORM_QUIET_MS, limit, root)


def gaps_of(drive):
    """Gap records of filemon so far, by cause."""
    return {cause: drive.ask("count", f'"cause":"{cause}"')["lines"]
            for cause in ("overflow", "slow-reader")}


def warm_up(drive, root):
    """What a program has in memory when idle includes what events need of it."""
    drive.settle(SETTLED_MS)
    drive.ask("storm", WARM_FILES, WRITERS, 1, 0, STORM_QUIET_MS, STORM_QUIET_MS,
              f"{root}/warm")


def storm_run(bench, measure, drive, start, root, files, limit=STORM_LIMIT_MS):
    """Returns the answer; what it cost is added."""
    warm_up(drive, root)
    drive.settle(SETTLED_MS)
    gaps = gaps_of(drive)
    processes = drive.processes()
    idle = processes.rss_kib()
    processes.forget_peak()
    cpu = processes.cpu_ns()
    answer = drive.ask(*storm_words(bench, root, files, limit))
    if start.state:
        with Control(start.state) as control:
            control.idle()
    name, add = start.name, bench.add
    if name.startswith("filemon"):
        for cause, n in gaps_of(drive).items():
            add(measure, name, f"gaps, {cause}", files, n - gaps[cause])
    add(measure, name, "lost", files, answer["files"] - answer["reported"])
    add(measure, name, "CPU ms", files, (processes.cpu_ns() - cpu) / 1e6)
    add(measure, name, "memory beyond idle KiB", files, max(0, processes.peak_kib() - idle))
    add(measure, name, "last report ms", files, answer["last_ms"])
    add(measure, name, "last report after last write ms", files, answer["after_ms"])
    return answer


def storm(bench, factor):
    files = int(bench.sizes["storm"] * factor)
    probe = "f9999999"

    def one(make, limit=STORM_LIMIT_MS):
        root = storm_root(bench)
        start = make(root)
        if start.probe:
            start.probe = f"{root}/s000/{probe}"
        bench.each("storm", [start], lambda drive, start: storm_run(
            bench, "storm", drive, start, root, files, limit))
        remove(root)

    names = [start.name for start in bench.watching("/", "/")]
    for i in range(len(names)):
        one(lambda root: bench.watching(root, "/")[i])
    one(lambda root: programs.daemon(bench.lab, root))
    for i, peer in enumerate(bench.handling("/", "/")):
        if peer.name != "entr":  # watches a fixed list of files
            one(lambda root: bench.handling(root, "/")[i], PEER_LIMIT_MS)


def overflow_one(bench, make, queue, files):
    root = storm_root(bench)
    try:
        with QueueLength(queue):
            start = make(root)
            drive = Drive(bench.lab, start)
        with drive:
            answer = storm_run(bench, "overflow", drive, start, root, files)
            bench.add("overflow", start.name, "writers took ms", files,
                      answer["writers_ms"])
    except DriveError as error:
        bench.results.note("overflow", str(error))
        answer = None
    remove(root)
    return answer


def overflow(bench, factor):
    files = int(bench.sizes["storm"] * factor)
    if not may_set_queue():
        bench.results.note("overflow", "left out: fs.inotify.max_queued_events cannot "
                           "be set (root is needed)")
        return
    lab = bench.lab

    def daemon(name):
        return lambda root: programs.daemon(lab, root, name=name)

    plain = overflow_one(bench, daemon(f"{DAEMON}, queue {QUEUE}"), QUEUE, files)
    short = overflow_one(bench, daemon(DAEMON), 256, files)
    overflow_one(bench, lambda root: programs.monitor(lab, root), 256, files)
    if plain and short and plain["last_ms"]:
        bench.add("overflow", DAEMON, "time ÷ without overflow", files,
                  short["last_ms"] / plain["last_ms"])
    if factor == 1:
        overflow_handlers(bench, files)


def overflow_handlers(bench, files):
    """The handler wants one of the 100 directories, and files that do not change."""
    lab, root, fifo = bench.lab, storm_root(bench), bench.fifo()
    wanted, old, name = files // STORM_DIRS, 1000, DAEMON + RUNS_HANDLERS
    os.mkdir(f"{root}/old")
    for i in range(old):
        with open(f"{root}/old/f{i + 9000000:07d}", "w"):
            pass
    conf = (f'handler mark {{\n\tmatch = {{ "/s000/", "/old/" }}\n\tjobs = 2\n'
            f'\tload = {{ "{lab.tool("mark")}", "{fifo}", "{{path}}" }}\n'
            f'\tinitial = skip\n}}\n')
    try:
        with QueueLength(256):
            start = programs.daemon(lab, root, conf=conf, fifo=fifo)
            drive = Drive(lab, start)
        with drive, Control(start.state) as control:
            drive.settle(SETTLED_MS)
            drive.ask("count", "/old/")
            drive.ask("storm", files, WRITERS, STORM_DIRS, 0, STORM_QUIET_MS,
                      STORM_QUIET_MS, root)
            control.idle()
            drive.settle(SETTLED_MS)
            runs = control.ask("status")["handlers"][0]["runs"]
            bench.add("overflow", name, "runs a changed file", files, runs / wanted)
            bench.add("overflow", name, "lost", files,
                      wanted - drive.ask("named")["files"])
            bench.add("overflow", name, "runs of unchanged files", files,
                      drive.ask("count", "/old/")["lines"])
    except DriveError as error:
        bench.results.note("overflow", str(error))
    remove(root)


# Handlers

def wait_for(what, check, limit_s=120):
    until = time.monotonic() + limit_s
    while not check():
        if time.monotonic() > until:
            raise DriveError(f"{what}: not within {limit_s} s")
        time.sleep(0.02)


def handlers_one(bench, slots, runs):
    lab, root = bench.lab, storm_root(bench)
    noop, case = lab.tool("noop"), f"{runs} runs, {slots} at once"
    floor = json.loads(subprocess.run(
        [lab.tool("floor_spawn"), str(runs), str(slots), noop],
        check=True, capture_output=True).stdout)
    bench.add("handlers", SPAWN, "runs/s", case, runs / floor["ms"] * 1000)
    conf = (f'settle = 0ms\nhandler noop {{\n\tload = {{ "{noop}" }}\n'
            f'\tjobs = {slots}\n}}\n')

    def work(drive, start):
        with Control(start.state) as control:
            control.ask("pause")
            drive.ask("storm", runs, WRITERS, STORM_DIRS, 0, 0, 0, root)
            wait_for("pending", lambda: control.ask(
                "status")["queue"]["pending"] == runs)
            processes = drive.processes()
            idle, cpu, from_ms = processes.rss_kib(), processes.cpu_ns(), now_ms()
            processes.forget_peak()
            control.ask("resume")
            control.idle()
            took = now_ms() - from_ms
        bench.add("handlers", DAEMON, "runs/s", case, runs / took * 1000)
        bench.add("handlers", DAEMON, "CPU µs a run, of filemon", case,
                  (processes.cpu_ns() - cpu) / 1e3 / runs)
        bench.add("handlers", DAEMON, "memory beyond idle KiB", case,
                  max(0, processes.peak_kib() - idle))

    bench.each("handlers", [programs.daemon(lab, root, conf=conf)], work)
    remove(root)


def handlers(bench, factor):
    runs = int(bench.sizes["handlers"] * factor)
    for slots in (1, 2, 4) if factor == 1 else (2,):
        handlers_one(bench, slots, runs)


# Idle

def idle(bench, factor):
    """All at once: what is idle disturbs nobody."""
    dirs = int(bench.sizes["idle_dirs"] * factor)
    seconds = bench.sizes["idle"]
    lab, root = bench.lab, bench.lab.tree(bench.lab.ram, dirs, 1)
    starts = [programs.floor_inotify(lab, root), programs.monitor(lab, root),
              programs.daemon(lab, root)]
    with contextlib.ExitStack() as stack:
        drives = [stack.enter_context(Drive(lab, start)) for start in starts]
        for drive in drives:
            drive.settle(3000)  # stamps are sure, and everything begun has ended
        found = [(start.name, drive.processes()) for start, drive in zip(starts, drives)]
        before = [(p.cpu_ns(), p.wakeups()) for _, p in found]
        time.sleep(seconds)
        for (name, processes), (cpu, wakeups) in zip(found, before):
            bench.add("idle", name, "wake-ups a minute", dirs,
                      (processes.wakeups() - wakeups) * 60 / seconds)
            bench.add("idle", name, "CPU ms", dirs, (processes.cpu_ns() - cpu) / 1e6)


# Scan

def scan(bench, factor):
    files = int(bench.sizes["scan"] * factor)
    dirs = max(1, min(1000, files // 20))
    lab, root = bench.lab, bench.lab.tree(bench.lab.disk, dirs, files // dirs)
    top = os.path.dirname(root)
    floor = json.loads(subprocess.run(
        [lab.tool("floor_scan"), root, f"{top}/floor.db"],
        check=True, capture_output=True).stdout)
    bench.add("scan", SCAN, "ms", files, floor["walk_ms"] + floor["read_ms"])
    start = programs.daemon(lab, root, f"{top}/state")
    # The first start fills state.db, the second one finds it.
    if not os.path.exists(f"{top}/known"):
        bench.each("scan", [start], lambda drive, start: None)
        open(f"{top}/known", "w").close()
    bench.each("scan", [start], lambda drive, start: scan_once(bench, drive, start, files))


def asked_scan(start):
    """The status after a scan, and the slowest answer while it went on."""
    slowest = 0
    with Control(start.state) as control:
        before = control.ask("status")["scan"].get("last_at")
        control.ask("scan")
        while True:
            from_ms = now_ms()
            status = control.ask("status")
            slowest = max(slowest, now_ms() - from_ms)
            if status["scan"].get("last_at") != before:
                return status, slowest
            time.sleep(0.03)


def scan_once(bench, drive, start, files):
    drive.settle(SETTLED_MS)
    watcher = drive.processes().only("watcher")
    cpu = watcher.cpu_ns()
    status, slowest = asked_scan(start)
    bench.add("scan", DAEMON, "ms", files, status["scan"]["last_ms"])
    bench.add("scan", DAEMON, "CPU ms", files, (watcher.cpu_ns() - cpu) / 1e6)
    bench.add("scan", DAEMON, "slowest status ms", files, slowest)
    time.sleep(REST_S)
    private = watcher.private_kib()
    bench.add("scan", DAEMON, "private KiB of watcher", files, private)
    least = bench.results.get("scan", DAEMON, "private KiB of watcher",
                              bench.sizes["scan"] // 50)
    if least is not None:
        bench.add("scan", DAEMON, "memory of watcher beyond that of 1/50 KiB", files,
                  private - least)


def scan_all(bench, factor):
    if factor == 1:  # the least is needed for the comparison of memory
        scan(bench, 1 / 50)
    scan(bench, factor)


# One large directory

def flat_one(bench, files):
    root = bench.lab.tree(bench.lab.ram, 1, files)
    start = programs.daemon(bench.lab, root)

    def work(drive, start):
        drive.settle(SETTLED_MS)
        time.sleep(REST_S)
        watcher = drive.processes().only("watcher")
        idle = watcher.rss_kib()
        watcher.forget_peak()
        status, slowest = asked_scan(start)
        bench.add("flat", DAEMON, "ms", files, status["scan"]["last_ms"])
        bench.add("flat", DAEMON, "slowest status ms", files, slowest)
        bench.add("flat", DAEMON, "memory beyond idle KiB", files,
                  max(0, watcher.peak_kib() - idle))

    bench.each("flat", [start], work)
    bench.lab.drop_tree(bench.lab.ram, 1, files)


def flat(bench, factor):
    for part in (50, 5, 1):
        flat_one(bench, bench.sizes["flat"] // part)


# Rename

def rename_one(bench, below, make):
    root = os.path.join(bench.lab.fresh(), "tree")
    os.mkdir(root)
    dirs = max(1, below // 100)
    bench.lab.make_tree(f"{root}/moved-a", dirs, 99)

    def work(drive, start):
        drive.settle(SETTLED_MS)
        times, processes = [], drive.processes()
        cpu = processes.cpu_ns()
        names = [f"{root}/moved-a", f"{root}/moved-b"]
        for _ in range(RENAMES):
            times.append(drive.ask("rename", *names)["us"])
            names.reverse()
            drive.settle(SETTLED_MS)
        bench.add("rename", start.name, "reported after µs", below, sorted(times)[RENAMES // 2])
        spent = (processes.cpu_ns() - cpu) / 1e6 / RENAMES
        bench.add("rename", start.name, "CPU ms", below, spent)
        least = bench.results.get("rename", start.name, "CPU ms",
                                  bench.sizes["rename"] // 50)
        if least:
            bench.add("rename", start.name, "CPU ÷ at 1/50", below, spent / least)

    bench.each("rename", [make(root)], work)
    remove(root)


def rename(bench, factor):
    lab = bench.lab
    for part in (50, 5, 1):
        below = bench.sizes["rename"] // part
        rename_one(bench, below, lambda root: programs.floor_inotify(lab, root))
        rename_one(bench, below, lambda root: programs.monitor(lab, root))
        rename_one(bench, below, lambda root: programs.daemon(lab, root))


# name: (function, the factor of its own run)
MEASURES = {
    "setup": (setup, 1),
    "memory": (setup, 1),
    "latency": (latency, 1 / 50),
    "storm": (storm, 1),
    "overflow": (overflow, 1),
    "handlers": (handlers, 1),
    "idle": (idle, 1),
    "scan": (scan_all, 1),
    "flat": (flat, 1),
    "rename": (rename, 1),
}
# "growth" runs these at the factors that their own run left out; the others
# have all three cases in one run.
GROWING = ("latency", "storm", "overflow", "handlers", "scan")
FACTORS = (1 / 50, 1 / 5, 1)
