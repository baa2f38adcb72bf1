"""The package's exceptions and warnings: one per kind, each also the builtin that a caller would expect."""


class LmtbayesError(Exception):
    """Base of every error that lmtbayes raises on purpose."""


class InvalidArgument(LmtbayesError, ValueError):  # noqa: N818 - reads as a sentence where it is raised
    """An argument has a value that the function cannot take."""


class UnknownName(LmtbayesError, LookupError):  # noqa: N818
    """A name (experiment, override, nuisance, benchmark, ...) that nothing is registered under."""


class NuisanceConflict(LmtbayesError, ValueError):  # noqa: N818
    """Two experiments give one nuisance name two different constraints."""


class PrecisionError(LmtbayesError, RuntimeError):
    """A likelihood was built while jax runs in 32 bits."""


class NotFinite(LmtbayesError, ArithmeticError):  # noqa: N818
    """A likelihood or its gradient is not finite where the prior has support."""


class MissingDependency(LmtbayesError, ImportError):  # noqa: N818
    """An optional extra is needed; the message gives the command that installs it."""


class PluginError(LmtbayesError, ImportError):
    """A module or entry point with experiments of a user cannot be loaded; the message names it."""


class ChunkError(LmtbayesError, RuntimeError):
    """A chunk of a study failed, is missing, or is not what its file name says."""


class CheckpointError(LmtbayesError, ValueError):
    """A checkpoint file is damaged or belongs to another run."""


class OutOfMaps(LmtbayesError, MemoryError):  # noqa: N818
    """The process has as many memory maps as Linux allows it; the message says how many."""


class LmtbayesWarning(UserWarning):
    """Base of every warning that lmtbayes raises on purpose."""


class LeftOutWarning(LmtbayesWarning):
    """A model has a feature that a rate leaves out; said once a call, once a process under Python's default filters."""


class AsymptoticWarning(LmtbayesWarning):
    """A threshold or a p-value of chi^2 is used where few events are expected; the message gives the numbers."""


class UnitsWarning(LmtbayesWarning):
    """A number is possible but looks as if it were given in another unit, or in the place of another one."""


class PriorWarning(LmtbayesWarning):
    """A prior does not cover what its model predicts."""


class ResolutionWarning(LmtbayesWarning):
    """A grid is too coarse for what is read from it; the message gives the estimated error."""


class CompilerWarning(LmtbayesWarning):
    """The work-around of a compiler that returns wrong numbers could not be switched on."""


class PluginWarning(LmtbayesWarning):
    """An installed package has an entry point with experiments that cannot be loaded; the message names it."""


class ConvergenceWarning(LmtbayesWarning):
    """An optimum was not reached to its tolerance; what is returned is a bound."""
