import pytest
import torch
from tests.regularize.folding.models import Forward, numbers, original, same
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evenfit.regularize as er
from evenfit.errors import FoldError


class Tabular(nn.Module):
    """Embeddings with dropout beside numbers without."""

    def __init__(self):
        super().__init__()
        self.words, self.drop, self.layer = nn.Embedding(5, 3), original(), nn.Linear(7, 2)
        self.double()

    def forward(self, codes, x):
        return self.layer(torch.cat([self.drop(self.words(codes)), x], 1))


SAMPLE = (torch.tensor([0, 4]), numbers(2, 4))


def test_parts_of_different_scales_side_by_side_need_a_sample():
    with pytest.raises(FoldError, match=r"reaches cat .* puts it beside parts that carry another scale; .* a sample"):
        er.fold_dropout(Tabular())


@pytest.mark.parametrize("sample", [SAMPLE, {"codes": SAMPLE[0], "x": SAMPLE[1]}], ids=["tuple", "mapping"])
def test_with_a_sample_the_next_layers_columns_are_scaled_part_by_part(sample):
    model = Tabular()
    folded = same(model, *SAMPLE, sample=sample)
    wanted = torch.cat([0.7 * model.layer.weight[:, :3], model.layer.weight[:, 3:]], 1)
    torch.testing.assert_close(folded.layer.weight, wanted)
    (scaled,) = er.folding_plan(model, sample).scaled
    assert scaled.scale == pytest.approx((0.7,) * 3 + (1.0,) * 4)
    assert "layer.weight times 0.7 to 1" in str(scaled)


class Maps(nn.Module):
    """Feature maps of different scales through every step that such maps may pass."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.drop, self.flat_drop = er.SpatialDropout(0.4, form="original"), original()
        self.grouped = nn.Conv2d(6, 4, 3, groups=2, padding=1, padding_mode="reflect")
        self.wide = nn.ConvTranspose2d(6, 4, 2)
        self.kernel = nn.Parameter(numbers(4, 3, 3, 3))
        self.weight = nn.Parameter(numbers(5, 6))
        self.head = nn.Linear(8 + 8 + 5 + 4 * 16, 2)
        self.double()

    def forward(self, x):
        maps = torch.cat([self.drop(self.first(x)), x], dim=1)
        passed = F.avg_pool2d(F.max_pool2d(F.relu(maps) * 2, 2), 1)
        inner = self.grouped(passed)
        both = torch.cat([self.flat_drop(inner), inner], 1).mean((2, 3))
        wide = torch.cat([self.wide(maps).amax((2, 3)), self.flat_drop(both)[:, :4]], 1)
        pooled = F.linear(F.adaptive_avg_pool2d(maps, 1).flatten(1), self.weight)
        convolved = F.conv2d(passed, self.kernel, groups=2, padding=1).permute(0, 2, 3, 1).reshape(2, -1)
        return self.head(torch.cat([both, wide, pooled, convolved], -1))


def test_maps_of_different_scales_are_followed_channel_by_channel():
    model = Maps()
    folded = same(model, numbers(2, 2, 8, 8), sample=numbers(2, 2, 8, 8))
    assert torch.equal(folded.grouped.weight[2:, 1:], model.grouped.weight[2:, 1:])
    torch.testing.assert_close(folded.grouped.weight[:2], 0.6 * model.grouped.weight[:2])


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x.mean(1, keepdim=True).expand(-1, 7),
        lambda x: x.sum(dim=-1, keepdim=True).expand(-1, 7),
        lambda x: x @ torch.ones(7, 7, dtype=torch.float64),
        lambda x: F.avg_pool1d(x, 3, 1, 1),
        lambda x: x.flip(1),
        lambda x: F.pad(x, (1, 0))[:, :7],
        lambda x: torch.stack([x, x])[0],
    ],
)
def test_what_mixes_parts_of_different_scales_is_refused(step):
    class Mixed(Tabular):
        def forward(self, codes, x):
            return self.layer(step(torch.cat([self.drop(self.words(codes)), x], 1)))

    with pytest.raises(FoldError, match="parts that carry different scales"):
        er.fold_dropout(Mixed(), SAMPLE)


def test_features_at_different_places_that_carry_different_scales_are_refused():
    class Times(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop, self.layer = original(), nn.Linear(4, 2, dtype=torch.float64)

        def forward(self, x):
            return self.layer(torch.cat([self.drop(x), x], 1))  # along the axis of time

    with pytest.raises(FoldError, match="parts that carry different scales"):
        er.fold_dropout(Times(), numbers(2, 3, 4))


@pytest.mark.parametrize(
    "step",
    [
        lambda m, x: m.convolution(torch.cat([m.drop(x), x], 2)),  # along the positions of each channel
        lambda m, x: m.layer(torch.cat([m.drop(x), x], 1).mean(0)),  # over rows, so that channels come first
        lambda m, x: m.layer(torch.cat([m.drop(x), x], 1).amax(1)),
    ],
)
def test_channels_that_carry_different_scales_at_different_places_are_refused(step):
    model = Forward(step, drop=original(), layer=nn.Linear(8, 2), convolution=nn.Conv1d(4, 2, 3)).double()
    with pytest.raises(FoldError, match="parts that carry different scales"):
        er.fold_dropout(model, numbers(3, 4, 8))


def test_equal_parts_need_no_sample():
    class Equal(Tabular):
        def forward(self, codes, x):
            return self.layer(torch.cat([self.drop(self.words(codes)), self.drop(x)], 1))

    same(Equal(), *SAMPLE)


def test_a_sample_that_does_not_fit_the_forward_is_refused():
    with pytest.raises(
        FoldError, match="the sample does not fit the model's forward: missing a required argument: 'x'"
    ):
        er.fold_dropout(Tabular(), SAMPLE[:1])
    with pytest.raises(FoldError, match="the model does not run on the sample"):
        er.fold_dropout(Tabular(), (SAMPLE[0], numbers(2, 5)))


def test_a_sample_finds_what_a_trace_does_not_see():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop, self.layer = original(), nn.Linear(4, 2, dtype=torch.float64)

        def forward(self, x):
            y = self.layer(self.drop(x))
            return y * 2 if type(x) is torch.Tensor and self.layer.weight.detach().abs().sum() < self.limit else y

    model = Hidden()
    model.limit = float(model.layer.weight.detach().abs().sum()) * 0.9
    assert er.fold_dropout(model) is not None
    with pytest.raises(FoldError, match=r"on the sample the folded model differs by .* from scaled inference"):
        er.fold_dropout(model, numbers(3, 4))
