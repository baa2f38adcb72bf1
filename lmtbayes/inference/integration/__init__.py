"""Integrals over the prior's cube: the tree of cells, modes, the posterior's grid, cubature."""
