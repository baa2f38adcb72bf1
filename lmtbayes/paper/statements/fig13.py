"""Fig. 13: discovery by electron recoils."""

from lmtbayes.paper import discovery_statements as shared
from lmtbayes.paper.statement import Statement


def statements() -> tuple[Statement, ...]:
    """Judge Fig. 13."""
    return shared.first_benchmark("er", "fig13", 400.0), shared.planned_detectors("er", "fig13")
