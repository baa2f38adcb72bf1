"""What is counted in a model, and how likely the data are."""
