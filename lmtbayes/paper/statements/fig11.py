"""Fig. 11: discovery by nuclear recoils."""

from lmtbayes.paper import discovery_statements as shared
from lmtbayes.paper.statement import Statement


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 11."""
    return shared.first_benchmark("nr", "fig11", 100.0), shared.planned_detectors("nr", "fig11")
