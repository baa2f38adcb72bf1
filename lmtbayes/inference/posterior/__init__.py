"""Draws of the posterior, what they are worth, and simulation-based calibration."""
