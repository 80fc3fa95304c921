"""Group lasso: the sum of groups' norms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from evenfit.regularize.penalties.groups import check_groups
from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import StrengthPenalty


@final
@dataclass(frozen=True)
class GroupLasso(StrengthPenalty):
    """Group lasso, lambda sum_g ||w_g||: drives whole groups to exactly 0.

    Groups are not scaled by the root of their size, unlike in Yuan & Lin, "Model selection and estimation in
    regression with grouped variables", 2006. They are found from the kind of layer, so that a transposed
    convolution, a grouped one, the gates of a recurrent layer (one unit has all of its gates) and attention's
    projections (queries, keys and values each have their own) have the groups that their names say.

    Args:
        groups: "inputs", each input's outgoing weights: inputs that no unit reads can be left away; "units", each
            unit's incoming weights (of the last layer these are the outputs: leave it out with ``exclude``); or
            "filters", the units of convolutions, with all other layers left alone.

    Raises:
        RegularizeError: a negative strength, or unknown groups.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 2)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 0.0], [4.0, 1.0]]))
        >>> GroupLasso(strength=1.0, groups="inputs")(layer).item()
        6.0
    """

    groups: str = field(default="inputs", kw_only=True, metadata={"check": check_groups})

    def terms(self, amount: float) -> Terms:
        """Give lambda for groups of inputs or of units."""
        return Terms(inputs=amount) if self.groups == "inputs" else Terms(units=amount)
