"""At a fixed boson: counts and their derivatives in the nuisances, the optimum, the Laplace integral."""
