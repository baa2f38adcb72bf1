"""BibTeX for what was used: experiments by name or as objects, methods by name."""

from lmtbayes import _checks, citations
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.registry import experiment, experiment_names


def bibtex(*names: str | Experiment) -> str:
    """Return BibTeX entries for what a result rests on.

    Parameters
    ----------
    names
        Any of: names of the registry ("na64mu"), experiments (your own too: its citation is searched for arXiv numbers
        and journal references), methods ("nuts", "dynesty", "blackjax", "jax", "arviz", "lmtbayes", ...), keys of
        data/citations.bib. The paper that the package follows comes with every call.

    Returns
    -------
    bibtex
        Each entry once, in the order of the names.

    Raises
    ------
    UnknownName
        A name that is none of these.
    InvalidArgument
        No name; an experiment whose citation none of the entries matches.

    Examples
    --------
    >>> "2104.03297" in bibtex("nuts")
    True
    """
    if not names:
        raise InvalidArgument("`names` must be experiments, methods or keys to cite; got none")
    keys = list(citations.METHODS["lmtbayes"])
    for name in names:
        if isinstance(name, Experiment) or name in experiment_names():
            found = citations.cited_in((name if isinstance(name, Experiment) else experiment(name)).citation)
            if not found:
                label = name.name if isinstance(name, Experiment) else name
                raise InvalidArgument(
                    f"`names`: no entry of citations.bib matches the citation of experiment {label!r}; add it by hand"
                )
            keys += found
        elif name in citations.METHODS:
            keys += citations.METHODS[name]
        elif name in citations.entries():
            keys.append(name)
        else:
            raise _checks.unknown(
                "experiment, method or key to cite",
                name,
                (*experiment_names(), *citations.METHODS, *citations.entries()),
            )
    return citations.render(keys)
