"""An experiment of one's own: a beam of muons of 30 GeV on iron, made up; `lmtbayes fit --experiments iron-beam`."""

from dataclasses import replace

import lmtbayes as lmt

SETUP = lmt.BeamSetup(
    name="iron-beam",
    beam_energy_gev=30.0,
    muons_on_target=3e12,
    target="iron",
    Z=26,
    A=55.845,
    density_g_cm3=7.874,
    target_length_cm=35.1,
    decay_length_cm=300.0,
    bin_edges=(1.0, 5.0, 15.0),
    efficiency=0.9,
)


def iron_beam(*, muons_on_target=3e12, nuisances=None, name="iron-beam", title="Iron beam (made up)"):
    """Build the beam.

    Parameters
    ----------
    muons_on_target
        Number of muons; their energy is that of the setup.
    nuisances
        Names of the free ones; all by default.
    name, title
        Of the experiment.
    """
    setup = replace(SETUP, muons_on_target=muons_on_target)
    return lmt.muon_beam(setup, nuisances=nuisances, name=name, title=title)


lmt.register("iron-beam", iron_beam)
