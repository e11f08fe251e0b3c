#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measures filemon next to the floors and to the peers that are installed.
Run by `make bench`; see doc/performance.md."""

import argparse
import json
import os
import platform
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import measures as table  # noqa: E402
import report  # noqa: E402
from lab import Lab  # noqa: E402
from results import Results  # noqa: E402

# rounds: how often everything is measured; peers: in how many rounds they are.
SIZES = {
    "tiny": {"dirs": [20, 200, 1000], "latency": 20, "storm": 2000, "handlers": 200,
             "idle": 2, "idle_dirs": 200, "scan": 5000, "flat": 5000, "rename": 5000,
             "rounds": 1, "peers": 1},
    "short": {"dirs": [1000, 10000, 50000], "latency": 200, "storm": 100000,
              "handlers": 5000, "idle": 20, "idle_dirs": 10000, "scan": 200000,
              "flat": 200000, "rename": 100000, "rounds": 3, "peers": 1},
    "full": {"dirs": [1000, 10000, 50000], "latency": 1000, "storm": 100000,
             "handlers": 20000, "idle": 60, "idle_dirs": 10000, "scan": 1000000,
             "flat": 1000000, "rename": 100000, "rounds": 5, "peers": 3},
}


def arguments():
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE",
                        help="of: " + " ".join(table.MEASURES) + " growth (all)")
    parser.add_argument("--build", default=".", help="the build directory")
    parser.add_argument("--size", choices=SIZES, default="short")
    parser.add_argument("--rounds", type=int, help="instead of the size's own number")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--disk", help="a directory on a disk (the build directory)")
    parser.add_argument("--ram", help="a directory in memory (/dev/shm)")
    parser.add_argument("--report", metavar="FILE",
                        help="only put the tables of the last results into FILE")
    options = parser.parse_args()
    unknown = set(options.measures) - set(table.MEASURES) - {"growth"}
    if unknown:
        parser.error(f"no such measure: {' '.join(sorted(unknown))}")
    return options


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine():
    return {"cpu": cpu_name(), "cpus": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0]}


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(lab, options):
    sizes = SIZES[options.size]
    rounds = options.rounds or sizes["rounds"]
    names = options.measures or list(table.MEASURES) + ["growth"]
    results = Results()
    bench = table.Bench(lab, results, sizes)
    for turn in range(rounds):
        bench.peers = not options.no_peers and turn < sizes["peers"]
        done = set()
        for name in names:
            if name == "growth" and turn > 0:
                continue
            for function, factor in runs_of(name):
                if (function, factor) not in done:
                    done.add((function, factor))
                    one(bench, name, function, factor, f"round {turn + 1} of {rounds}")
    return results, rounds, names


def runs_of(name):
    """(function, factor) of a measure."""
    if name != "growth":
        return [table.MEASURES[name]]
    return [(table.MEASURES[each][0], factor) for each in table.GROWING
            for factor in table.FACTORS]


def one(bench, name, function, factor, turn):
    begin = time.monotonic()
    growing = name == "growth"
    peers, bench.peers = bench.peers, bench.peers and not growing
    bench.results.growing = growing
    try:
        function(bench, factor)
    except Exception as error:  # the rest is worth having all the same
        traceback.print_exc()
        bench.results.note(name, f"broke off: {error}")
    bench.peers = peers
    what = function.__name__ if growing else name
    say(f"{turn}: {what} ×{factor:g}: {time.monotonic() - begin:.0f} s")


def collect(results, rounds, names, options):
    found = {}
    command = "make bench"
    if options.measures:
        command += f" BENCH='{' '.join(options.measures)}'"
    if options.size != "short":
        command += f" BENCH_SIZE={options.size}"
    for name in results.measures():
        if name in names or "growth" in names:
            found[name] = {
                "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "command": command, "size": options.size, "rounds": rounds,
                "machine": machine(), "notes": results.notes.get(name, []),
                "rows": list(results.rows(name)),
            }
    return found


def load(path):
    try:
        with open(path) as file:
            return json.load(file)["measures"]
    except (OSError, ValueError, KeyError):
        return {}


def save(path, found):
    """Measures that were not run this time stay as they were."""
    known = {**load(path), **found}
    ordered = {name: known[name] for name in table.MEASURES if name in known}
    with open(path + ".new", "w") as file:
        json.dump({"measures": ordered}, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(path + ".new", path)


def write_report(path, found):
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(report.fill(text, found))


def main():
    options = arguments()
    json_path = os.path.join(options.build, "bench", "results.json")
    if options.report:
        write_report(options.report, load(json_path))
        return 0
    ram = options.ram or ("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
    lab = Lab(options.build, options.disk or os.path.join(options.build, "bench"), ram)
    try:
        found = collect(*run(lab, options), options)
    finally:
        lab.close()
    save(json_path, found)
    print(report.as_text(found))
    say(f"written to {json_path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
