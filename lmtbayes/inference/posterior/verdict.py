"""A verdict on a posterior: its checks, each with a value, what is accepted, and what to do where it failed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One diagnostic."""

    name: str
    value: float
    passed: bool
    text: str
    """Value, where it is worst, and what is accepted."""
    advice: str = ""
    """What to do where it failed."""


@dataclass(frozen=True)
class Verdict:
    """All diagnostics of one posterior; printing it says what is wrong and what to do."""

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def __getitem__(self, name: str) -> Check:
        """Check by name."""
        return next(check for check in self.checks if check.name == name)

    def __str__(self) -> str:
        """The verdict, a line a check, then the advice."""
        failed = [check for check in self.checks if not check.passed]
        head = (
            "Posterior: trust it." if not failed else f"Posterior: {len(failed)} of {len(self.checks)} checks failed."
        )
        width = max(len(check.name) for check in self.checks)
        lines = [head]
        lines += [
            f"  {'ok  ' if check.passed else 'FAIL'}  {check.name:<{width}}  {check.text}" for check in self.checks
        ]
        lines += [f"  {note}" for note in self.notes]
        advice = dict.fromkeys(check.advice for check in failed)
        if advice:
            lines += ["What to do:", *(f"  - {line}" for line in advice)]
        return "\n".join(lines)
