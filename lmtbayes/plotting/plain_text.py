"""Labels in TeX as plain text: for terminals, tables and files of numbers."""

import re

_COMMANDS = {
    "times": "×", "pm": "±", "sigma": "σ", "mu": "μ", "tau": "τ", "nu": "ν", "epsilon": "eps", "kappa": "κ",
    "theta": "θ", "delta": "δ", "Delta": "Δ", "chi": "χ", "lambda": "λ", "log": "log", "ln": "ln", "le": "≤", "ge": "≥",
    "leq": "≤", "geq": "≥", "to": "→", "circ": "°",
}  # fmt: skip
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_MATHS = re.compile(r"\$([^$]*)\$")


def plain(text: str) -> str:
    r"""Return a label without TeX; what lies outside of dollars stays as it is.

    Examples
    --------
    >>> plain(r"$M_{A'}$ [MeV]"), plain(r"Borexino $^7$Be"), plain(r"$g_x = 5 \times 10^{-4}$")
    ("M_A' [MeV]", 'Borexino ⁷Be', 'g_x = 5 × 10⁻⁴')
    """
    return " ".join(_MATHS.sub(lambda found: _formula(found[1]), text).split())


def _formula(text: str) -> str:
    text = re.sub(r"\\(?:mathrm|text|mathit)\s*\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", r"√\1", text)
    text = re.sub(r"\\(?:hat|mathrm|bar)(?![A-Za-z])\s*", "", text)
    text = re.sub(r"\\[,;:! ]", " ", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _COMMANDS.get(found[1], found[1]), text)
    text = re.sub(r"\^(?:\{([^{}]*)\}|(.))", lambda found: _raised(found[1] or found[2]), text)
    text = re.sub(r"(log|ln)_\{?10\}?", r"\g<1>10", text)
    return text.replace("{", "").replace("}", "").replace("\\", "")


def _raised(text: str) -> str:
    return text.translate(_RAISED) if re.fullmatch(r"[0-9+\-−]+", text) else "°" if text == "°" else f"^{text}"
