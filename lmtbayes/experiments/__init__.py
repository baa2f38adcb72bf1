"""Source, process and detector joined: one module a kind of experiment, every configuration a row of the registry."""

from lmtbayes.experiments import (
    borexino,
    cite,
    coherent_csi,
    coherent_lar,
    er_searches,
    limits,
    liquid_xenon,
    measurement,
    muon_beam,
    muon_g2,
    n_eff,
    solar_8b,
    spallation,
    terms,
    tridents,
    xenonnt_8b,
)
from lmtbayes.experiments.registry import experiment, experiment_names, experiment_options, register

__all__ = [
    "borexino",
    "cite",
    "coherent_csi",
    "coherent_lar",
    "er_searches",
    "experiment",
    "experiment_names",
    "experiment_options",
    "limits",
    "liquid_xenon",
    "measurement",
    "muon_beam",
    "muon_g2",
    "n_eff",
    "register",
    "solar_8b",
    "spallation",
    "terms",
    "tridents",
    "xenonnt_8b",
]
