"""Fits, profiles, contours, limits, impacts, toys, discovery."""
