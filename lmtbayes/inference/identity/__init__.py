"""Whether two likelihoods are the same: fingerprints of experiments, data and a user's own functions."""
