"""Everything statistical, built on Experiment.expected_counts alone."""
