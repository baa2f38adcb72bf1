"""What a posterior allows: limits, intervals, regions of highest density, and what they owe to the prior."""
