"""Fixtures of a device at a site: `pytest_plugins = ["stethoscope_fixtures"]`."""

import pytest
from stethoscope import ID, program

from broker.account import Credentials
from simulator.site.site import Site


@pytest.fixture(scope="session")
def built() -> None:
    """Build the program first, so that no test builds while its processes run."""
    program()


@pytest.fixture
def account(built: None, site: Site) -> Credentials:
    """Account of a provisioned device."""
    return site.add_device(ID)
