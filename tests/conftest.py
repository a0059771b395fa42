"""Fixtures for every test."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.storage"]

# How long an example takes depends on what else the machine does, not on the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
