"""Tables of the results, and their place in RESULTS.md: between marks, so that a rerun leaves the words alone."""

import re
from typing import Any

TITLES = {
    "likelihood": "joint likelihood",
    "cold": "cold starts",
    "fits": "fits",
    "design": "design",
    "instead": "instead",
    "growth": "growth",
    "device": "device",
}


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Return a table for the machine, every group that was run, and the floor."""
    rows = results["rows"]
    made = {"machine": _machine(results)}
    for group, title in TITLES.items():
        own = [row for row in rows if row["name"].partition("/")[0] == group]
        if own:
            made[title] = _rows(own)
    floor = _floor({row["name"].partition("/")[2]: row for row in rows if row["name"].startswith("likelihood/")})
    if floor:
        made["floor"] = floor
    ratios = _ratios({row["name"].partition("/")[2]: row for row in rows if row["name"].startswith("instead/")})
    if ratios:
        made["ratios"] = ratios
    return made


def renewed(text: str, new: dict[str, str]) -> str:
    """Replace what stands between `<!-- NAME -->` and `<!-- /NAME -->` for every table that was made."""
    for name, table in new.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text)
    return text


def _table(header: list[str], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *lines])


def _machine(results: dict[str, Any]) -> str:
    about = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    lines = [
        ["machine", f"{about['processor']}, {about['precision']}, accelerator: {about['accelerator']}"],
        ["versions", f"Python {about['python']}, {versions}"],
        ["when", f"{about['when']}, load average {about['load_before']:.1f} before, {results['total_s']:.0f} s in all"],
    ]
    return _table(["", ""], lines)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _rows(rows: list[dict[str, Any]]) -> str:
    """First and warm call; times a point where a call has several; CPU time in brackets."""
    lines = []
    for row in rows:
        name = row["name"].partition("/")[2]
        if "failed" in row:
            lines.append([name, "", "", "", "", row["failed"]])
            continue
        warm, points = row.get("warm_s"), row["points"]
        targets = [
            f"{_time(row[key])}{what}"
            for key, what in (("target_s", ""), ("target_first_s", " first"))
            if row.get(key) is not None
        ]
        facts = {key: value for key, value in row["facts"].items() if not isinstance(value, dict)}
        facts["peak memory [MiB]"] = row["peak_mib"]
        lines.append(
            [
                name,
                f"{_time(row['first_s'])} ({_time(row['first_cpu_s'])})",
                f"{_time(warm)} ({_time(row['warm_cpu_s'])})" if warm is not None else "",
                _time(row["warm_cpu_s"] / points) if warm is not None and points > 1 else "",
                ", ".join(targets),
                ", ".join(f"{key} {_number(value)}" for key, value in facts.items()),
            ]
        )
    return _table(["case", "first call (CPU)", "warm (CPU)", "a point (CPU)", "target", "found"], lines)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _floor(rows: dict[str, Any]) -> str:
    """Operations over the core's rate, bytes over the memory's, and how far above the larger one a point is."""
    core = {key: rows.get(f"core: {key}") for key in ("matrix product/1", "copy/1", "sine/4096")}
    if any(row is None or "warm_s" not in row for row in core.values()):
        return ""
    operations = core["matrix product/1"]["facts"]["operations"] / core["matrix product/1"]["warm_cpu_s"]
    bandwidth = core["copy/1"]["facts"]["bytes"] / core["copy/1"]["warm_cpu_s"]
    sine = core["sine/4096"]["warm_cpu_s"] / 4096
    lines = []
    for kind in ("value", "gradient"):
        counted, measured = rows.get(f"counted {kind}/1"), rows.get(f"{kind}/4096")
        if not counted or not measured or "facts" not in counted:
            continue
        facts, point = counted["facts"], measured["warm_cpu_s"] / 4096
        parts = (facts["operations"] / operations, facts["transcendentals"] * sine, facts["bytes"] / bandwidth)
        floor = max(parts[0] + parts[1], parts[2])
        lines.append(
            [
                kind,
                f"{facts['operations']:.3g} ({facts['by_hand']:.3g} by hand)"
                if kind == "value"
                else f"{facts['operations']:.3g}",
                f"{facts['transcendentals']:.0f}",
                f"{facts['bytes']:.3g}",
                *(_time(part) for part in parts),
                _time(point),
                f"{point / floor:.1f}",
            ]
        )
    header = ["", "operations", "transcendental", "bytes", "operations take", "transcendental take", "bytes take"]
    head = (
        f"One core: {operations / 1e9:.0f}e9 operations a second (matrix product), {bandwidth / 1e9:.1f}e9 bytes "
        f"a second (copy in main memory), {sine * 1e9:.1f} ns a sine. A point of the joint likelihood:\n\n"
    )
    return head + _table([*header, "measured", "over the floor"], lines) if lines else ""


def _ratios(rows: dict[str, Any]) -> str:
    warm = {name: row for name, row in rows.items() if "warm_s" in row}
    pairs = (
        (
            "a rate, one photon at a time",
            "counts of ess10: scipy.integrate.quad",
            "counts of ess10: lmtbayes, one photon",
        ),
        ("a best fit", "best fit of four experiments: iminuit, 8 starts", "best fit of four experiments: lmtbayes"),
    )
    lines = [
        [what, f"{warm[theirs]['warm_cpu_s'] / warm[ours]['warm_cpu_s']:.3g}"]
        for what, theirs, ours in pairs
        if theirs in warm and ours in warm
    ]
    theirs = warm.get("posterior of four experiments: emcee, 64 walkers of 3000")
    ours = warm.get("posterior of four experiments: lmtbayes")
    if theirs and ours:
        speed = [row["facts"]["ess_min"] / row["warm_cpu_s"] for row in (ours, theirs)]
        lines.append(["effective draws a second, emcee on our compiled likelihood", f"{speed[0] / speed[1]:.3g}"])
    quad = warm.get("counts of ess10: scipy.integrate.quad")
    if theirs and quad:
        hours = theirs["facts"]["evaluations"] * quad["warm_cpu_s"] / 3600.0
        lines.append(["the same emcee run with rates by quad", f"{hours:.3g} hours"])
    return _table(["instead of lmtbayes", "times slower"], lines) if lines else ""
