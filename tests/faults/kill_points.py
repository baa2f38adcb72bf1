"""Run in a process of its own: what is left when a command is killed before its n-th operation on files, for every n.

The commands' own functions run, down to every file that they write; what takes long (samples, profiles, fits of toys,
figures, the bytes of a netCDF file) was computed before, and is handed to them. Prints one line of JSON: for each
command the number of kills, and what was wrong after any of them.
"""

import functools
import gc
import io
import json
import os
import sys
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from killing import sweep

import lmtbayes as lmt
from lmtbayes import paper
from lmtbayes.inference.posterior.checkpoint import Checkpoint
from lmtbayes.jobs import chunks, tasks
from lmtbayes.jobs import contours as contours_job
from lmtbayes.jobs import fit as fit_job
from lmtbayes.jobs.output import output_folder, unit_folder
from lmtbayes.jobs.reproduce import reproduce
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study
from lmtbayes.paper import topics

FIT = FitSettings(("muon-g2-2025",), mixing="paper", data="observed", chains=2, warmup=10, draws=50, grid=4)
OTHER = FitSettings(("muon-g2-2025",), mixing="paper", data="observed", chains=2, warmup=10, draws=50, grid=4, seed=1)
TOYS = Study("toys", FitSettings(("muon-g2-2025",), mixing="paper"), size=3, chunk=1)
TWO = ("table1", "fig4")


def nothing(out):
    """There is nothing before."""


def filled(text, **options):
    """A job with a unit in it, in few operations."""

    def call(out):
        with output_folder(out, {"text": text}, **options) as folder:
            (folder / "chains").write_text(text)
            (folder / "deep").mkdir(exist_ok=True)
            with unit_folder(folder / "deep" / "unit") as unit:
                (unit / "result").write_text(text)

    return call


def folders(base):
    # A unit that is being replaced has another name for a moment.
    needed = ("chains", "settings.json")
    yield "a folder of results", sweep(base, nothing, filled("new"))
    yield "a folder of results, replaced", sweep(base, filled("old"), filled("new", force=True), needed)
    yield "a folder of results, extended", sweep(base, filled("new"), filled("new", extend=True), needed)


def checkpoints(base):
    def call(out):
        kept = Checkpoint(out, "this run", {"seed": 1})
        done = int((kept.load() or {"done": 0})["done"])
        for number in range(done + 1, 5):
            kept.save({"done": np.array(number), "state": np.full(50, float(number))})
        kept.load()

    yield "checkpoint", sweep(base, nothing, call)


@functools.cache
def tiny():
    figure, axes = plt.subplots(figsize=(0.4, 0.4), dpi=50)
    axes.plot([0.0, 1.0], [0.0, 1.0], label="a line")
    axes.set_axis_off()
    return figure


def quick():
    """What takes the same bytes the same way again and again does so once, and nobody waits for the disk."""
    os.fsync = lambda handle: None
    for kind in (xr.Dataset, xr.DataTree):

        def to_netcdf(self, file, real=kind.to_netcdf, made={}, **options):  # noqa: B006
            key = repr(self.to_dict()) if isinstance(self, xr.Dataset) else id(self)
            if key not in made:
                made[key] = self, io.BytesIO()  # kept, so that no other tree gets its number
                real(self, made[key][1], **options)
            file.write(made[key][1].getvalue())

        kind.to_netcdf = to_netcdf
    picture = io.BytesIO()
    tiny().savefig(picture, format="png")
    type(tiny()).savefig = lambda self, path, **_: path.write_bytes(picture.getvalue())


def fits(base):
    like = FIT.likelihood()
    posterior = lmt.sample_posterior(like, FIT.prior, chains=2, warmup=10, draws=50, progress=False)
    profile = fit_job.profile_on_plane(like, FIT, False, posterior)

    def sample(like, prior, seed, *, checkpoint, **_):
        kept = Checkpoint(checkpoint, "this run", {"seed": seed})
        done = int((kept.load() or {"done": 0})["done"])
        for number in range(done + 1, 3):
            kept.save({"done": np.array(number)})
        return posterior

    FitSettings.likelihood = lambda self: like
    FitSettings.prior = FIT.prior
    fit_job.sample_posterior = sample
    regions, limit = fit_job.contours(profile), fit_job.upper_limit(profile, "g_x", cl=0.90)
    fit_job.contours, fit_job.upper_limit = lambda *_, **__: regions, lambda *_, **__: limit
    words = {"best_fit": (profile, FIT), "intervals": (posterior,), "limit": (limit,), "verdict": (posterior,)}
    for name, about in words.items():
        said = getattr(fit_job.summary, name)(*about)
        setattr(fit_job.summary, name, lambda *_, said=said: said)
    for job in (fit_job, contours_job):
        job.profile_on_plane = lambda *_: profile
    fit_job.draw = lambda folder, *_: fit_job.pictures.save(tiny(), folder / "plane.png")
    contours_job.plane = lambda *_: tiny()

    def fit(settings, force=False):
        return lambda out: fit_job.fit(settings, out, force, False, lambda text: None)

    def contours(settings, force=False):
        return lambda out: contours_job.contours(settings, out, force, None, False, "png")

    for name, job in {"fit": fit, "contours": contours}.items():
        needed = ("settings.json", "summary.txt", "profile.nc", "contours.csv", "plane.png")
        yield name, sweep(base, nothing, job(FIT))
        yield f"{name} --force", sweep(base, job(OTHER), job(FIT, force=True), needed)


def studies(base):
    made = {index: tasks.compute(TOYS, index) for index in range(TOYS.chunks)}
    chunks.compute = lambda study, index: made[index]

    def run(part=None):
        return lambda out: chunks.run(TOYS, out, chunks=part, progress=False, say=lambda text: None)

    def merge(out):
        chunks.Folder(out, TOYS).merge()

    def unmerged(out):
        run()(out)
        (out / chunks.RESULT).unlink()

    yield "study", sweep(base, nothing, run())
    yield "study, the rest of an array", sweep(base, run("0:1"), run(), ("settings.json", "chunks/000000.nc"))
    yield "study --merge", sweep(base, unmerged, merge, tuple(f"chunks/{index:06d}.nc" for index in made))


def reproductions(base):
    judged = {name: topics.TOPICS[name].judge() for name in TWO}
    text = {name: topics.TOPICS[name].markdown() for name in TWO}
    topics.Topic.judge = lambda self: judged[self.name]
    topics.Topic.markdown = lambda self: text[self.name]
    paper.draw = lambda name, convention: tiny()

    def run(only=TWO, force=False):
        return lambda out: reproduce(out, only, force)

    needed = ("settings.json", "report.html", "topics/table1/statements.json")
    yield "reproduce", sweep(base, nothing, run())
    yield "reproduce, a topic more", sweep(base, run(TWO[:1]), run(), ("settings.json", "topics/table1/text.md"))
    yield "reproduce --force", sweep(base, run(), run(force=True), needed)


COMMANDS = {
    "jobs": (folders, checkpoints, studies),
    "pictures": (fits, reproductions),
}


def main(base, which):
    gc.set_threshold(100_000, 20, 10)  # as in tests/conftest.py
    warnings.filterwarnings("ignore", ".*fork", RuntimeWarning)  # a child computes nothing with jax
    quick()
    found = {}
    for commands in COMMANDS[which]:
        found |= commands(base)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
