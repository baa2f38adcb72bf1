"""Methods as objects: what `evidence`, `compare_models` and `sample_posterior` take, each with its settings.

`lmt.evidence(like, prior, lmt.methods.Cubature(rtol=0.001))` and
`lmt.sample_posterior(like, prior, method=lmt.methods.Nuts(chains=32))`. A method of your own for the evidence is any
object with the one method of `EvidenceMethod`, that returns an `Evidence`.
"""

from lmtbayes.inference.evidence.importance import Importance
from lmtbayes.inference.evidence.laplace_cubature import Cubature
from lmtbayes.inference.evidence.nested import Nested
from lmtbayes.inference.evidence.nss import Nss
from lmtbayes.inference.evidence.result import EvidenceMethod
from lmtbayes.inference.evidence.smc import Smc
from lmtbayes.inference.posterior.method import Auto, Independence, Nuts

__all__ = ["Auto", "Cubature", "EvidenceMethod", "Importance", "Independence", "Nested", "Nss", "Nuts", "Smc"]
