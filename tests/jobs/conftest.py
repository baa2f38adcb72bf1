"""Experiments of three bins, registered for these tests: a job takes names, as a user's own experiment would be."""

import pytest
from three_bins import registered


@pytest.fixture(scope="module", autouse=True)
def _registered():
    with registered():
        yield
