"""`lmtbayes validate`: tables of what the package is held to, and the page made of them.

DIR holds the folders of the studies, which resume. Beside the page PAGE.md are PAGE/*.csv, a table of rows for each
section, PAGE/sections.json (how each was made) and figures/. A section that is computed again replaces its own table
and leaves the others alone, so that cheap sections may be refreshed any day and the expensive ones when there is a
machine for them.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes._version import __version__
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.registry import own_names
from lmtbayes.inference.posterior.sbc import DRAWS
from lmtbayes.jobs import calibrations
from lmtbayes.jobs.chunks import run
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study
from lmtbayes.validation import page, rows
from lmtbayes.validation.evidences import numbers_of, pull_summary, pulls
from lmtbayes.validation.outside import outside
from lmtbayes.validation.published import published
from lmtbayes.validation.rates import rates
from lmtbayes.validation.rows import Row
from lmtbayes.validation.verdicts import table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PAGE, MADE = "validation.md", "sections.json"
"""Name of the page where none is given; what says of each section how it was made."""
FOUR = ("na64mu", "ess", "ess10", "darwin-nr:threshold_kev=1.0")
"""The likelihood of the calibration: the default of `lmtbayes fit`."""
CALIBRATED = FitSettings(FOUR, g_x=(1e-5, 1e-3), kappa=(1e-3, 0.1))
"""Its box: in the corner of the default one, at large couplings and mixings, ESS10 would see 1e8 events where the
Standard Model gives 1e3, and posteriors are so narrow that chains do not mix, which the verdict says."""
SIZES = {"sbc": 1000, "coverage": 200, "evidence": 20, "verdicts": 50}
QUICK = {"sbc": 8, "coverage": 4, "evidence": 2, "verdicts": 2}
"""Fits, toys of each truth, seeds and toys of each likelihood; those of `--quick` are for tests of the command."""
EIGHT = {
    "na64mu at BP1": FitSettings(("na64mu",), mixing="paper"),
    "na64mu, no boson": FitSettings(("na64mu",), mixing="paper", truth="none"),
    "ess at BP1": FitSettings(("ess",), mixing="paper"),
    "ess10, no boson": FitSettings(("ess10",), mixing="paper", truth="none"),
    "na64mu + ess at BP2": FitSettings(("na64mu", "ess"), mixing="paper", truth="BP2"),
    "na64mu + g-2 at BP3": FitSettings(("na64mu", "muon-g2-2021"), mixing="paper", truth="BP3", published="asimov"),
    "na64mu + ess10 at BP4, free mixing": FitSettings(("na64mu", "ess10"), truth="BP4"),
    "four experiments at BP1, free mixing": FitSettings(FOUR),
}
"""Likelihoods of the evidence study."""
VERDICTS = {
    "na64mu + g-2": FitSettings(("na64mu", "muon-g2-2021"), mixing="paper"),
    "na64mu + ess": FitSettings(("na64mu", "ess"), mixing="paper"),
}
"""Likelihoods of the verdict study; their toys' truths are drawn from the prior."""
_WHO = "by `lmtbayes validate` of version"


def validate(
    out: str | Path,
    only: Sequence[str] = (),
    *,
    to: str | Path | None = None,
    quick: bool = False,
    size: int | None = None,
    names: tuple[str, ...] = (),
    workers: int = 0,
    say: Callable[[str], None] = print,
) -> Path:
    """Compute sections and write the page.

    Parameters
    ----------
    out
        Folder of the studies.
    only
        Sections: rates, published, outside, sbc, coverage, evidence, verdicts. All by default.
    to
        The page; DIR/validation.md by default.
    quick
        Tiny studies and the cheap rates at one benchmark: whether the command works, not whether the package does.
    size
        Of every study, in place of the usual ones.
    names
        Entries of the registry for rates and published results, whose rows take their place among those that are
        there; all by default.
    workers
        Processes that compute chunks of the studies; 0 for this one.
    say
        Is told what is being done.

    Returns
    -------
    page
        Path of the page.

    Raises
    ------
    UnknownName
        No such section or entry.
    InvalidArgument
        A size below 1; a file where a folder is meant; a folder whose studies have other settings.
    """
    for name in names:
        if name not in own_names():
            raise _checks.unknown("entry", name, own_names())
    for section in only:
        if section not in page.COMPUTED:
            raise _checks.unknown("section", section, page.COMPUTED)
    if size is not None:
        _checks.whole("size", size)
    written = Path(out) / PAGE if to is None else Path(to)
    for name, path in (("out", Path(out)), ("to", written.parent)):
        if any(part.exists() and not part.is_dir() for part in (path, *path.parents)):
            raise _checks.invalid(name, str(path), "a folder, there or yet to be made")
    folder = tables_of(written)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {name: size or (QUICK if quick else SIZES)[name] for name in SIZES}
    studies = Studies(Path(out), written.parent, sizes, workers, say)
    sections: dict[str, Callable[[], Sequence[Row]]] = {
        "rates": lambda: list(rates(names, quick=quick)),
        "published": lambda: list(published(names)),
        "outside": lambda: list(outside()),
        "sbc": studies.sbc,
        "coverage": studies.coverage,
        "evidence": studies.evidence,
        "verdicts": studies.verdicts,
    }
    for section in only or page.COMPUTED:
        say(section)
        begin = time.perf_counter()
        found = sections[section]()
        if names and section in ("rates", "published"):
            found = _among(folder / f"{section}.csv", found, names)
        rows.write(folder / f"{section}.csv", found)
        caption = f"Made {_WHO} {__version__}"
        caption += f", {sizes[section]} {page.sized(section)}." if section in sizes else "."
        _note(folder, section, caption, studies.pictures.get(section))
        say(f"{section}: {len(found)} rows, {time.perf_counter() - begin:.0f} s")
    return write_text(written, text_of(written))


def _among(path: Path, found: Sequence[Row], names: tuple[str, ...]) -> list[Row]:
    """Rows of some entries among those of the others that are there already, in the order of the registry."""
    order = {name: k for k, name in enumerate(own_names())}
    others = [row for row in rows.read(path) if row.name not in names] if path.is_file() else []
    return sorted([*others, *found], key=lambda row: order[row.name])


def tables_of(written: Path) -> Path:
    """Folder of the tables of a page."""
    return written.with_suffix("")


def text_of(written: Path) -> str:
    """Return the page that its tables make."""
    folder = tables_of(written)
    made: dict[str, Any] = json.loads((folder / MADE).read_text(encoding="utf-8"))
    tables = {name: rows.read(folder / f"{name}.csv") for name in page.SECTIONS if (folder / f"{name}.csv").is_file()}
    captions = {name: entry["caption"] for name, entry in made.items()}
    if missing := sorted(set(own_names()) - {row.name for row in tables.get("rates", ())}):
        captions["rates"] = f"{captions.get('rates', '')} Entries not in it yet: {', '.join(missing)}."
    pictures = {name: entry["picture"] for name, entry in made.items() if entry["picture"]}
    return page.to_markdown(tables, captions, pictures)


def _note(folder: Path, section: str, caption: str, picture: str | None) -> None:
    path = folder / MADE
    made = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    made[section] = {"caption": caption, "picture": picture}
    write_text(path, json.dumps(made, indent=2, sort_keys=True) + "\n")


class Studies:
    """The sections that are studies: each a folder below `out`, which resumes; pictures go beside the page."""

    def __init__(self, out: Path, beside: Path, sizes: dict[str, int], workers: int, say: Callable[[str], None]):
        self.out, self.beside, self.sizes, self.workers, self.say = out, beside, sizes, workers, say
        self.pictures: dict[str, str] = {}

    def _run(self, study: Study, name: str) -> "xr.Dataset":
        result = run(study, self.out / name, workers=self.workers, progress=False, say=self.say)
        if result is None:
            raise InvalidArgument(f"`out` = {str(self.out)!r} is being filled by another run; wait for it")
        return result

    def sbc(self) -> list[Row]:
        """Ranks of the four-experiment likelihood by the default sampler."""
        study = Study("sbc", CALIBRATED, size=self.sizes["sbc"], method="auto")
        result = self._run(study, f"sbc-{study.size}")
        self.pictures["sbc"] = self._picture_of_ranks(result)
        return sbc_rows(result)

    def coverage(self) -> list[Row]:
        """Profile and credible regions at nine truths."""
        study = Study("intervals", FitSettings(("na64mu", "ess"), mixing="paper"), size=self.sizes["coverage"])
        result = self._run(study, f"coverage-{study.size}")
        found = [
            Row(str(name), region, nominal, part, error, study.size)
            for name in result["truth"].values
            for region, (nominal, part, error) in calibrations.covered(result, str(name)).items()
        ]
        self.pictures["coverage"] = self._picture_of_coverage(found)
        return found

    def evidence(self) -> list[Row]:
        """Pulls of every method on eight likelihoods."""
        found: list[Row] = []
        together: dict[str, list[np.ndarray]] = {}
        for k, (name, fit) in enumerate(EIGHT.items()):
            result = self._run(
                Study("evidence", fit, size=self.sizes["evidence"]), f"evidence-{k}-{self.sizes['evidence']}"
            )
            for method in result["method"].values:
                seeds = int(np.isfinite(result["log_z"].sel({"method": method})).sum())
                together.setdefault(str(method), []).append(pulls(result, str(method)))
                for what, (right, number, error) in pull_summary(result, str(method)).items():
                    note = f"reference good to {result.attrs['reference_error']:.1g}"
                    found.append(Row(name, f"{method}, {what}", right, number, error, seeds, note))
        for method, columns in together.items():
            all_pulls = np.concatenate(columns)
            for what, (right, number, error) in numbers_of(all_pulls).items():
                found.append(Row("all of them", f"{method}, {what}", right, number, error, len(all_pulls)))
        return found

    def verdicts(self) -> list[Row]:
        """Misses and false alarms on two likelihoods."""
        found = []
        for k, (name, fit) in enumerate(VERDICTS.items()):
            study = Study("verdicts", replace(fit, seed=k), size=self.sizes["verdicts"])
            result = self._run(study, f"verdicts-{k}-{study.size}")
            found += [Row(name, what, np.nan, float(number), size=study.size) for what, number in table(result).items()]
        return found

    def _picture_of_ranks(self, result: "xr.Dataset") -> str:
        from lmtbayes.plotting.calibration import calibration_sheet

        ranks = {str(q): result["rank"].sel(quantity=q).values for q in result["quantity"].values}
        return self._save("validation_sbc.png", lambda: calibration_sheet(ranks, DRAWS))

    def _picture_of_coverage(self, found: Sequence[Row]) -> str:
        import matplotlib.pyplot as plt

        from lmtbayes.plotting.calibration import coverage_points

        names = [f"{row.name}: {row.what}" for row in found]
        nominal, part, error = (np.array([getattr(row, k) for row in found]) for k in ("reference", "found", "error"))

        def draw() -> "Figure":
            figure, ax = plt.subplots(figsize=(6.0, 0.16 * len(found)))
            coverage_points(names, nominal, part, error, ax)
            return figure

        return self._save("validation_coverage.png", draw)

    def _save(self, name: str, draw: "Callable[[], Figure]") -> str:
        from lmtbayes.jobs.pictures import save
        from lmtbayes.plotting.style import style

        with style():
            save(draw(), self.beside / "figures" / name)
        return f"figures/{name}"


def sbc_rows(result: "xr.Dataset") -> list[Row]:
    """Two rows a quantity: the p-value of uniform ranks, and how far their distribution departs from uniform."""
    from lmtbayes.plotting.calibration import half_width

    size, found = result.sizes["simulation"], []
    at = (np.arange(DRAWS + 1) + 1.0) / (DRAWS + 1.0)
    for name in result["quantity"].values:
        ranks = np.sort(result["rank"].sel(quantity=name).values)
        below = np.searchsorted(ranks, np.arange(DRAWS + 1), side="right") / size
        p_value = float(result["p_value"].sel(quantity=name))
        found.append(Row(str(name), "p-value of uniform ranks", np.nan, p_value, size=size))
        departure = float(np.max(np.abs(below - at)))
        found.append(Row(str(name), "departure of the distribution", 0.0, departure, half_width(size), size))
    return found
