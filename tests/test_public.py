"""The public surface: names and signatures as they were frozen, documented, and cheap to import."""

import difflib
import inspect
import subprocess
import sys
from pathlib import Path

import lmtbayes as lmt


def test_the_public_surface_is_the_frozen_one():
    # In a process of its own: here the import hook has wrapped every function.
    script = Path(__file__).with_name("freeze_public.py")
    now = subprocess.run([sys.executable, script, "--print"], check=True, capture_output=True, text=True).stdout
    frozen = script.with_name("public_surface.txt").read_text(encoding="utf-8")
    diff = "\n".join(difflib.unified_diff(frozen.splitlines(), now.splitlines(), "frozen", "now", n=0, lineterm=""))
    assert not diff, f"""the public surface is not tests/public_surface.txt any more:

{diff}

If users are meant to see this, tell them in CHANGELOG.md and freeze it anew: python tests/freeze_public.py"""


def test_everything_public_is_documented():
    undocumented = [
        name
        for name in lmt.__all__
        if (inspect.isfunction(getattr(lmt, name)) or inspect.isclass(getattr(lmt, name)))
        and not inspect.getdoc(getattr(lmt, name))
    ]
    assert not undocumented


def test_swapped_arguments_and_names_are_answered_with_a_sentence():
    # In a process of its own: here the annotations would be checked first.
    code = """
import lmtbayes as lmt
photon, model = lmt.BENCHMARKS["BP1"], lmt.LMU
ess = lmt.experiment("ess")
for call in (
    lambda: lmt.delta_a_mu(model, photon),
    lambda: lmt.delta_a_mu((5e-4, 15.0, 0.0)),
    lambda: lmt.decay_width(photon, model, "nu"),
    lambda: lmt.discovery_exposure("darwin-nr", "Lmu", photon),
    lambda: ess.expected_counts("Lmu", photon),
    lambda: ess.differential_rate("Lmu", photon, 10.0),
    lambda: ess.signal_counts(model, (5e-4, 15.0, 0.0)),
    lambda: lmt.experiment("ess", mass_ton=[1.0, 2.0]),
    lambda: lmt.experiment("ess", nuisances=3),
    lambda: lmt.experiment("ess", efficiency=1.3),
    lambda: lmt.experiment("na64mu", efficiency=[0.3] * 9),
    lambda: lmt.experiment("darwin-nr", threshold_kev="1"),
):
    try:
        call()
    except lmt.errors.InvalidArgument as error:
        assert " must be " in str(error) and "got" in str(error), error
    else:
        raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_bare_import_draws_nothing_and_is_in_64_bits():
    code = (
        "import sys, lmtbayes, jax; assert jax.config.jax_enable_x64; "
        "loaded = [m for m in ('matplotlib', 'arviz', 'xarray', 'blackjax', 'dynesty') if m in sys.modules]; "
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_32_bits_can_be_kept_but_not_used_for_a_likelihood():
    code = (
        "import lmtbayes as lmt, jax; assert not jax.config.jax_enable_x64\n"
        "try: lmt.JointLikelihood(['muon-g2-2021'], lmt.LMU, 'observed')\n"
        "except lmt.errors.PrecisionError as error: assert '64 bits' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    environment = {**__import__("os").environ, "LMTBAYES_X64": "0"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
