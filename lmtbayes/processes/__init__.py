"""HOW the boson scatters: cross sections, pure functions of arrays."""
