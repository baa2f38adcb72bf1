"""What the command line runs: settings in, a folder of results out."""
