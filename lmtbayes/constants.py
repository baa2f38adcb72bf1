"""Physical constants (MeV, natural units) and the conversions used at the package's borders.

Sources: CODATA 2022 for alpha, the electron, muon and proton masses, the atomic mass unit, hbar c and N_A;
PDG 2024 for the tau mass, G_F and the weak mixing angle at the Z pole; PDG 2018 for the weak mixing angle at low
energy, 0.23857(5), the value of the coherent-scattering literature (arXiv:1712.09146 finds 0.23868(5)(2)).
"""

import math

ALPHA = 1.0 / 137.035999177
"""Fine-structure constant at zero momentum transfer."""
ELECTRIC_CHARGE = math.sqrt(4.0 * math.pi * ALPHA)
"""e = sqrt(4 pi alpha(0)), dimensionless."""
FERMI_CONSTANT = 1.1663788e-11
"""G_F [MeV^-2]."""
SIN2_THETA_W = 0.23857
"""sin^2 theta_W at low momentum transfer; the package's default."""
SIN2_THETA_W_MZ = 0.23122
"""sin^2 theta_W at the Z pole (MS-bar); the choice of arXiv:2104.03297."""

ELECTRON_MASS = 0.51099895069
MUON_MASS = 105.6583755
TAU_MASS = 1776.93
PION_MASS = 139.57039
"""Charged pion [MeV]."""
MUON_LIFETIME_US = 2.1969811
"""[us]."""
PION_LIFETIME_US = 0.026033
"""Of the charged pion [us]."""
PROTON_MASS = 938.27208943
ATOMIC_MASS_UNIT = 931.49410372
"""u [MeV]."""
LEPTON_MASSES = {"e": ELECTRON_MASS, "mu": MUON_MASS, "tau": TAU_MASS}

AVOGADRO = 6.02214076e23
HBAR_C_MEV_FM = 197.3269804
HBAR_C_MEV_CM = HBAR_C_MEV_FM * 1e-13
CM2_PER_INVERSE_MEV2 = HBAR_C_MEV_CM**2
"""1 MeV^-2 in cm^2."""
MEV_PER_GEV = 1e3
MEV_PER_KEV = 1e-3
JOULE_PER_MEV = 1.602176634e-13
GRAMS_PER_TONNE = 1e6
SECONDS_PER_YEAR = 365.25 * 86400.0
"""Julian year; an exposure of 1 t yr is a tonne for this long."""
