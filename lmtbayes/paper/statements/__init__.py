"""What the paper states, one module a figure or table, each statement judged from computed numbers."""
