"""What the paper states, one module a figure or table, each statement judged from computed numbers.

Statements are in our words. Of the paper's text the abstract was at hand, and notes on the rest; where a number is
named as the paper's it stands in one of them, never in what this package computes.
"""
