"""What every test shares: how hypothesis searches."""

import os

import matplotlib as mpl
from hypothesis import HealthCheck, settings

mpl.use("Agg")

# Compiling kernels makes a first example slow, so no deadline; in CI the same examples every time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
