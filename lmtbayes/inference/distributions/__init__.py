"""Priors' distributions: support, quantiles, both signs, tables."""
