"""WHERE the projectiles come from: fluxes, spectra, oscillation."""
