"""Stopping gradient descent early is a shrinkage like that of L2, direction by direction of the curvature."""

import pytest
import torch

import evenfit.regularize as er

# Goodfellow, Bengio & Courville, "Deep learning", 2016, section 7.8


def quadratic():
    """A curvature H and a minimiser w* of (w - w*)' H (w - w*) / 2, in double precision."""
    random = torch.Generator().manual_seed(0)
    square = torch.randn(6, 6, dtype=torch.float64, generator=random)
    return square @ square.T / 6 + 0.01 * torch.eye(6), torch.randn(6, dtype=torch.float64, generator=random)


@pytest.mark.parametrize("steps", [1, 7, 50, 400])
def test_descent_from_zero_is_a_shrinkage_by_powers_of_the_curvature(steps):
    curvature, minimiser = quadratic()
    eta = 0.9 / torch.linalg.eigvalsh(curvature).max()
    weight = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([weight], lr=eta.item())
    for _ in range(steps):
        optimiser.zero_grad()
        ((weight - minimiser) @ curvature @ (weight - minimiser) / 2).backward()
        optimiser.step()
    left = torch.linalg.matrix_power(torch.eye(6, dtype=torch.float64) - eta * curvature, steps)
    torch.testing.assert_close(weight.detach(), minimiser - left @ minimiser, rtol=1e-10, atol=1e-12)
    values, directions = torch.linalg.eigh(curvature)
    shares = (directions.T @ weight.detach()) / (directions.T @ minimiser)
    torch.testing.assert_close(shares, 1 - (1 - eta * values) ** steps, rtol=1e-9, atol=1e-12)


def test_proximal_descent_with_l2_shrinks_alike_and_agrees_where_the_curvature_is_small():
    curvature, minimiser = quadratic()
    values, directions = torch.linalg.eigh(curvature)
    eta, steps = 0.01 / values.max().item(), 20
    strength = 1 / (2 * eta * steps)  # the book's 1 / (tau eta), with the notes' L2 that has no half
    weight = torch.zeros(1, 6, dtype=torch.float64, requires_grad=True)
    optimiser = er.Proximal(torch.optim.SGD([weight], lr=0.9 / values.max().item()), er.L2(strength))
    for _ in range(900):
        optimiser.zero_grad()
        ((weight[0] - minimiser) @ curvature @ (weight[0] - minimiser) / 2).backward()
        optimiser.step()
    shares = (directions.T @ weight.detach()[0]) / (directions.T @ minimiser)
    torch.testing.assert_close(shares, values / (values + 2 * strength), rtol=1e-8, atol=1e-10)
    stopped = 1 - (1 - eta * values) ** steps
    torch.testing.assert_close(shares, stopped, rtol=0.11, atol=0)
    small = values < values.max() / 10
    torch.testing.assert_close(shares[small], stopped[small], rtol=0.02, atol=0)
