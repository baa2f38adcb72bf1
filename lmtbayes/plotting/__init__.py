"""One function a picture: takes arrays or datasets and an Axes, returns the Axes."""
