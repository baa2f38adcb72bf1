"""The public surface: what DESIGN.md promises is importable, documented, and cheap to import."""

import inspect
import subprocess
import sys

import lmtbayes as lmt


def test_everything_promised_is_there_and_documented():
    for name in lmt.__all__:
        thing = getattr(lmt, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), name


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
