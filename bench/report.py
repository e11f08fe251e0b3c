# SPDX-License-Identifier: ISC
"""Results as tables, on a terminal and in Markdown."""

import math
import re

from results import COUNTS

LINEAR = 1.15  # an exponent above is worse than linear


def number(value):
    if value is None:
        return "-"
    if value == int(value):
        return f"{int(value):,}"
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if abs(value) >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}"


def case_key(case):
    match = re.match(r"\d+", str(case))
    return (int(match.group()) if match else 0, str(case))


def case_name(case):
    return f"{int(case):,}" if str(case).isdigit() else str(case)


def cell(row):
    if row is None:
        return ""
    ratio = f" ({row['ratio']:.2f}×)" if row["ratio"] is not None else ""
    return number(row["median"]) + ratio


def metric_tables(rows):
    """(metric, header, lines) of one measure: programs down, cases across."""
    for metric in dict.fromkeys(row["metric"] for row in rows):
        of_metric = [row for row in rows if row["metric"] == metric]
        cases = sorted({row["case"] for row in of_metric}, key=case_key)
        found = {(row["program"], row["case"]): row for row in of_metric}
        lines = [[program] + [cell(found.get((program, case))) for case in cases]
                 for program in dict.fromkeys(row["program"] for row in of_metric)]
        yield metric, ["program"] + [case_name(case) for case in cases], lines


def goal_lines(measures):
    lines = []
    for name, measure in measures.items():
        for row in measure["rows"]:
            for goal in row["goals"]:
                lines.append([name, row["program"], row["metric"], case_name(row["case"]),
                              cell(row), goal["goal"],
                              "reached" if goal["reached"] else "MISSED"])
    return ["measure", "program", "metric", "case", "median", "goal", ""], lines


def growth_lines(measures):
    """How what filemon costs grows with the size of the case."""
    lines = []
    for name, measure in measures.items():
        groups = {}
        for row in measure["rows"]:
            match = re.fullmatch(r"(\d+)(.*)", str(row["case"]))
            if match and "filemon" in row["program"] and row["metric"] not in COUNTS:
                key = (row["program"], row["metric"], match.group(2))
                groups.setdefault(key, {})[int(match.group(1))] = row["median"]
        for (program, metric, rest), costs in groups.items():
            sizes = sorted(costs)[-3:]
            if len(sizes) == 3 and costs[sizes[0]] > 0:
                lines.append(growth_line(name, program, metric, rest,
                                         [(n, costs[n]) for n in sizes]))
    return ["measure", "program", "metric", "1×", "10×", "50×", "grows as"], lines


def growth_line(name, program, metric, rest, costs):
    (few, least), (many, most) = costs[0], costs[-1]
    exponent = math.log(most / least) / math.log(many / few) if most > 0 else 0
    words = f"n^{exponent:.2f}" + (" (worse than linear)" if exponent > LINEAR else "")
    return [name, program, metric + rest] + [number(cost) for _, cost in costs] + [words]


def text_table(header, lines):
    rows = [header] + lines
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    out = []
    for row in rows:
        cells = [text.ljust(width) if i == 0 or len(header) == 7 else text.rjust(width)
                 for i, (text, width) in enumerate(zip(row, widths))]
        out.append("  " + "  ".join(cells).rstrip())
    return "\n".join(out) + "\n"


def markdown_table(header, lines):
    align = ["---"] + ["---:" if len(header) != 7 else "---"] * (len(header) - 1)
    rows = [header, align] + lines
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def describe(measure):
    machine = measure["machine"]
    return (f"{measure['when'][:10]}, {machine['cpus']} × {machine['cpu']}, Linux "
            f"{machine['kernel']}, {measure['size']} size, {measure['rounds']} rounds, load "
            f"{machine['load']:.1f}")


def as_text(measures):
    out = []
    for name, measure in measures.items():
        out.append(f"== {name} ({describe(measure)})\n")
        for metric, header, lines in metric_tables(measure["rows"]):
            out.append(f"{metric}\n{text_table(header, lines)}")
        out += [f"  note: {note}\n" for note in measure["notes"]]
    header, lines = goal_lines(measures)
    if lines:
        missed = sum(line[-1] == "MISSED" for line in lines)
        out.append(f"== goals: {len(lines) - missed} reached, {missed} missed\n")
        out.append(text_table(header, lines))
    header, lines = growth_lines(measures)
    if lines:
        out.append("== growth\n" + text_table(header, lines))
    return "\n".join(out)


def section(name, measures):
    """What stands between the marks of a name in doc/performance.md."""
    if name == "goals":
        return markdown_table(*goal_lines(measures))
    if name == "growth":
        return markdown_table(*growth_lines(measures))
    measure = measures.get(name)
    if measure is None:
        return "Not measured yet.\n"
    out = [f"`{measure['command']}` ({describe(measure)}):\n"]
    for metric, header, lines in metric_tables(measure["rows"]):
        header[0] = metric
        out.append(markdown_table(header, lines))
    out += [f"- {note}\n" for note in measure["notes"]]
    return "\n".join(out)


def fill(text, measures):
    """Puts the tables between <!-- bench: NAME --> and <!-- end -->."""
    def one(match):
        return f"{match.group(1)}\n{section(match.group(2), measures)}{match.group(3)}"
    return re.sub(r"(<!-- bench: (\w+) -->)\n.*?(<!-- end -->)", one, text, flags=re.S)
