"""R-Drop: two passes through a network that drops units should agree."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from evenfit.errors import RegularizeError


def symmetric_kl(first_logits: Tensor, second_logits: Tensor) -> Tensor:
    """Give how far two predictions of classes disagree: (KL(p||q) + KL(q||p)) / 2, the mean over rows; 0 where equal.

    Args:
        first_logits: ``[..., classes]``.
        second_logits: of the same rows, in another pass.

    Raises:
        RegularizeError: the shapes differ, or there are fewer than two classes.

    Source: Liang et al., "R-Drop: regularized dropout for neural networks", 2021.

    Example:
        >>> symmetric_kl(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
        tensor(0.4621)
    """
    if first_logits.shape != second_logits.shape:
        raise RegularizeError(
            "two passes over the same rows have one shape, "
            f"got {list(first_logits.shape)} and {list(second_logits.shape)}"
        )
    if first_logits.dim() == 0 or first_logits.shape[-1] < 2:
        raise RegularizeError(
            f"classes must be on the last axis, at least two; got {list(first_logits.shape)}: take another distance, "
            "such as mse_loss for numbers, or stack a single logit z as [0, z]"
        )
    first, second = first_logits.log_softmax(-1), second_logits.log_softmax(-1)
    # KL(p||q) + KL(q||p) is the sum of (p - q)(log p - log q): no term is negative. Where a class is ruled out in
    # both passes, both logarithms are minus infinity, and the class adds nothing.
    apart = (first - second).masked_fill(first == second, 0.0)
    return ((first.exp() - second.exp()) * apart).sum(-1).mean() / 2


def r_drop(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    criterion: Callable[[Tensor, Tensor], Tensor],
    weight: float,
    distance: Callable[[Tensor, Tensor], Tensor] = symmetric_kl,
) -> Tensor:
    """Give the mean loss of two passes plus ``weight`` times how far they disagree.

    The model runs twice, so dropout draws two masks (and batch normalisation updates its statistics twice). In
    evaluation mode, or without dropout, the passes agree and nothing is added. The paper adds the two losses where this
    takes their mean: its alpha is twice ``weight``; that of its published code is ``weight``.

    Args:
        model: called as ``model(x)``.
        x: inputs.
        y: targets.
        criterion: such as cross-entropy: ``criterion(outputs, y)`` is one number.
        weight: of the disagreement, at least 0; with 0 the model runs once, and the loss is the criterion's alone.
        distance: between the outputs of the passes: ``symmetric_kl`` for logits with the classes on the last axis, for
            numbers ``torch.nn.functional.mse_loss``.

    Raises:
        RegularizeError: a weight that is negative or not finite.

    Source: Liang et al., "R-Drop: regularized dropout for neural networks", 2021.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
        >>> x, y = torch.rand(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
        >>> r_drop(model, x, y, criterion=nn.functional.cross_entropy, weight=1.0).shape
        torch.Size([])
    """
    if not 0 <= weight < float("inf"):
        raise RegularizeError(f"the weight of the disagreement must be a number of at least 0, got {weight}")
    first = model(x)
    if weight == 0:
        return criterion(first, y)
    second = model(x)
    return (criterion(first, y) + criterion(second, y)) / 2 + weight * distance(first, second)
