"""Space: where a search may look, as names, distributions and conditions."""

from evenfit.specs.space.beta import Beta
from evenfit.specs.space.choice import Choice, Constant
from evenfit.specs.space.conditions import Above
from evenfit.specs.space.distribution import Distribution
from evenfit.specs.space.normal import LogNormal, Normal
from evenfit.specs.space.range import Range
from evenfit.specs.space.request import SpaceRequest
from evenfit.specs.space.space import Space

__all__ = [
    "Above",
    "Beta",
    "Choice",
    "Constant",
    "Distribution",
    "LogNormal",
    "Normal",
    "Range",
    "Space",
    "SpaceRequest",
]
