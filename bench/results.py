# SPDX-License-Identifier: ISC
"""Figures by round, what they are compared with, and what is to be reached."""

import statistics
from dataclasses import dataclass

from programs import COLD, DAEMON, FANOTIFY, FLOOR, KNOWN, MONITOR

SPAWN = "floor posix_spawn"
SCAN = "floor walk and read"
RUNS_HANDLERS = " (handler)"

# The program of each measure's metric with which the others are compared.
FLOORS = {
    "setup": FLOOR,
    "memory": FLOOR,
    "latency": FLOOR,
    "storm": FLOOR,
    "handlers": SPAWN,
    "scan": SCAN,
    "idle": FLOOR,
    "rename": FLOOR,
}


@dataclass
class Goal:
    measure: str
    program: str
    metric: str
    limit: float
    of_floor: bool = False
    at_least: bool = False
    largest: bool = False  # only for the largest case
    but: int = None        # not for this case
    text: str = ""

    def words(self):
        sign = "≥" if self.at_least else "≤"
        return self.text or f"{sign} {self.limit:g}{' × floor' if self.of_floor else ''}"


GOALS = [
    Goal("setup", MONITOR, "live ms", 1.25, of_floor=True, but=1),
    Goal("setup", KNOWN, "live ms", 2, of_floor=True, but=1),
    Goal("setup", COLD, "live ms", 3, of_floor=True, but=1),
    Goal("setup", FANOTIFY, "live ms", 10, largest=True),
    Goal("memory", MONITOR, "bytes a directory", 80),
    Goal("memory", KNOWN, "bytes a directory", 80),
    Goal("memory", KNOWN, "base KiB, supervisor + watcher", 3072),
    Goal("memory", KNOWN, "base private KiB, supervisor + watcher", 1229),
    Goal("latency", MONITOR, "p50 µs", 2, of_floor=True),
    Goal("latency", MONITOR, "p50 µs", 100),
    Goal("latency", MONITOR, "p99 µs", 1000),
    Goal("latency", DAEMON, "p50 µs", 2, of_floor=True),
    Goal("latency", DAEMON, "p50 µs", 100),
    Goal("latency", DAEMON, "p99 µs", 1000),
    Goal("latency", DAEMON + RUNS_HANDLERS, "p50 µs", 1.25, of_floor=True),
    Goal("storm", MONITOR, "lost", 0),
    Goal("storm", DAEMON, "lost", 0),
    Goal("storm", MONITOR, "CPU ms", 1.5, of_floor=True),
    Goal("storm", DAEMON, "CPU ms", 3, of_floor=True),
    Goal("storm", MONITOR, "memory beyond idle KiB", 1024),
    Goal("storm", DAEMON, "memory beyond idle KiB", 1024),
    Goal("storm", MONITOR, "last report after last write ms", 1000),
    Goal("storm", DAEMON, "last report after last write ms", 1000),
    Goal("overflow", DAEMON, "lost", 0),
    Goal("overflow", DAEMON, "time ÷ without overflow", 2),
    Goal("overflow", DAEMON + RUNS_HANDLERS, "lost", 0),
    Goal("overflow", DAEMON + RUNS_HANDLERS, "runs of unchanged files", 0),
    Goal("overflow", DAEMON + RUNS_HANDLERS, "runs a changed file", 1),
    Goal("handlers", DAEMON, "runs/s", 0.8, of_floor=True, at_least=True),
    Goal("handlers", DAEMON, "memory beyond idle KiB", 1024),
    Goal("idle", DAEMON, "wake-ups a minute", 1),
    Goal("idle", MONITOR, "wake-ups a minute", 1),
    Goal("idle", DAEMON, "CPU ms", 0),
    Goal("idle", MONITOR, "CPU ms", 0),
    Goal("scan", DAEMON, "ms", 1.5, of_floor=True, largest=True),
    Goal("scan", DAEMON, "slowest status ms", 20, largest=True),
    Goal("scan", DAEMON, "memory of watcher beyond that of 1/50 KiB", 128, largest=True,
         text="nothing (≤ 128)"),
    Goal("rename", MONITOR, "CPU ÷ at 1/50", 2, largest=True),
    Goal("rename", DAEMON, "CPU ÷ at 1/50", 2, largest=True),
]

# What a ratio to the floor says something about.
COMPARED = ("live ms", "PSS KiB", "bytes a directory", "p50 µs", "p99 µs", "CPU ms",
            "last report ms", "runs/s", "ms", "reported after µs")
# Not a cost: says nothing in the table of growth.
COUNTS = ("lost", "gaps, overflow", "gaps, slow-reader", "runs of unchanged files",
          "runs a changed file", "runs/s", "time ÷ without overflow", "CPU ÷ at 1/50", "writers took ms",
          "last report after last write ms",
          "memory of watcher beyond that of 1/50 KiB")


def median(values):
    return statistics.median(values) if values else None


class Results:
    def __init__(self):
        self.rounds = {}  # (measure, program, metric, case): [value by round]
        self.notes = {}   # measure: [text]
        self.growing = False  # what comes is for the table of growth only
        self.judged = set()   # (measure, case) that are compared with the goals

    def add(self, measure, program, metric, case, value):
        if not self.growing:
            self.judged.add((measure, case))
        if value is not None:
            self.rounds.setdefault((measure, program, metric, case), []).append(value)

    def note(self, measure, text):
        notes = self.notes.setdefault(measure, [])
        if text not in notes:
            notes.append(text)

    def get(self, measure, program, metric, case):
        """The value of the round that is under way."""
        values = self.rounds.get((measure, program, metric, case))
        return values[-1] if values else None

    def measures(self):
        return list(dict.fromkeys(key[0] for key in self.rounds))

    def ratio(self, measure, program, metric, case):
        """The median of the ratios within one round."""
        floor = FLOORS.get(measure)
        if program.endswith(RUNS_HANDLERS) and floor:
            floor += RUNS_HANDLERS
        mine = self.rounds.get((measure, program, metric, case), [])
        theirs = self.rounds.get((measure, floor, metric, case), [])
        if program == floor or metric not in COMPARED:
            return None
        return median([a / b for a, b in zip(mine, theirs) if b])

    def goals(self, measure, program, metric, case):
        """(goal, reached) of a figure."""
        if (measure, case) not in self.judged:
            return []
        cases = [k[3] for k in self.rounds if k[:3] == (measure, program, metric)]
        found = []
        for goal in GOALS:
            if (goal.measure, goal.program, goal.metric) != (measure, program, metric):
                continue
            if case == goal.but or goal.largest and case != max(cases):
                continue
            value = (self.ratio(measure, program, metric, case) if goal.of_floor else
                     median(self.rounds[measure, program, metric, case]))
            if value is not None:
                reached = value >= goal.limit if goal.at_least else value <= goal.limit
                found.append((goal, reached))
        return found

    def rows(self, measure):
        for key, values in self.rounds.items():
            if key[0] != measure:
                continue
            _, program, metric, case = key
            ratio = self.ratio(*key)
            yield {
                "program": program, "metric": metric, "case": case,
                "rounds": [round(v, 4) for v in values],
                "median": round(median(values), 4),
                "ratio": None if ratio is None else round(ratio, 3),
                "goals": [{"goal": goal.words(), "reached": reached}
                          for goal, reached in self.goals(*key)],
            }
