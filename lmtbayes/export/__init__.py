"""Results and likelihoods in the formats of others: CSV, HEPData, pyhf, HS3, LaTeX, limit files of collections."""

from lmtbayes.export.documents import Documents, grid_of_bosons
from lmtbayes.export.hepdata import hepdata_submission
from lmtbayes.export.hs3 import hs3_workspace
from lmtbayes.export.latex import comparison_to_latex, intervals_to_latex
from lmtbayes.export.limit_files import limit_to_axion_limits, limit_to_darkcast
from lmtbayes.export.posteriors import posterior_tables
from lmtbayes.export.pyhf import pyhf_workspace
from lmtbayes.export.tables import Table, contour_tables, limit_table, profile_table

__all__ = [
    "Documents",
    "Table",
    "comparison_to_latex",
    "contour_tables",
    "grid_of_bosons",
    "hepdata_submission",
    "hs3_workspace",
    "intervals_to_latex",
    "limit_table",
    "limit_to_axion_limits",
    "limit_to_darkcast",
    "posterior_tables",
    "profile_table",
    "pyhf_workspace",
]
