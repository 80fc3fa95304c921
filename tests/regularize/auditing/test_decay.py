"""Weight decay: what shrinks what, and what that does to weights that a normalisation rescales."""

import pytest
import torch
from tests.regularize.auditing.architectures import ResNet, numbers
from tests.regularize.auditing.mistakes import Forward, dense, normalised
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.auditing.borrowing import borrowed
from evenfit.regularize.auditing.measuring import change_when_doubled
from evenfit.regularize.auditing.samples import sample_for
from evenfit.regularize.auditing.subject import Subject


def names(found, check):
    return sorted(name for each in found.of(check) for name in each.layers)


@pytest.mark.parametrize(
    ("kind", "options", "coupled"),
    [
        (torch.optim.Adam, {}, True),
        (torch.optim.Adam, {"decoupled_weight_decay": True}, False),
        (torch.optim.AdamW, {}, False),
        (torch.optim.NAdam, {}, True),
        (torch.optim.NAdam, {"decoupled_weight_decay": True}, False),
        (torch.optim.RMSprop, {}, True),
        (torch.optim.Adagrad, {}, True),
        (torch.optim.SGD, {}, False),
    ],
)
def test_coupled_decay_is_that_of_optimisers_that_rescale_gradients(kind, options, coupled):
    model = dense()
    found = er.audit(model, optimiser=kind(model.parameters(), lr=0.1, weight_decay=0.1, **options))
    assert bool(found.of("coupled-decay")) == coupled


def test_without_weight_decay_there_is_none_to_find():
    model = normalised(bias=True)
    found = er.audit(model, optimiser=torch.optim.Adam(model.parameters()))
    assert not [each for each in found.findings if "decay" in each.check]


def test_each_group_is_told_by_itself():
    model = normalised(bias=True)
    groups = [{"params": [model[0].bias], "weight_decay": 0.2}, {"params": [model[1].bias], "weight_decay": 0.0}]
    groups.append({"params": [model[3].bias, model[3].weight]})
    found = er.audit(model, optimiser=torch.optim.SGD(groups, lr=0.1, weight_decay=0.3)).of("decay-of-biases")
    assert [(each.layers, each.data["weight_decay"]) for each in found] == [(("0.bias",), 0.2), (("3.bias",), 0.3)]


def test_biases_of_recurrent_and_attention_layers_are_known():
    model = Forward(lambda s, x: s.mix(*[s.run(x)[0]] * 3)[0], run=nn.GRU(8, 8), mix=nn.MultiheadAttention(8, 2))
    found = er.audit(model, optimiser=torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1))
    assert names(found, "decay-of-biases") == [
        *("mix.in_proj_bias", "mix.out_proj.bias", "run.bias_hh_l0", "run.bias_ih_l0")
    ]


def test_wrapped_optimisers_are_looked_into():
    model = dense()
    inner = torch.optim.Adam(model.parameters(), weight_decay=0.1)
    found = er.audit(model, optimiser=er.SAM(er.Proximal(inner, er.L1(strength=0.1), model=model), radius=0.1))
    assert found.of("coupled-decay")[0].data["by"] == "group 0 of Adam"


def test_a_penalty_in_the_loss_is_coupled_where_the_optimiser_rescales():
    model = dense()
    found = er.audit(
        model, penalty=er.L2(strength=0.1), optimiser=torch.optim.AdamW(model.parameters(), weight_decay=0)
    )
    assert [each.data["by"] for each in found.of("coupled-decay")] == []
    found = er.audit(model, penalty=er.L2(strength=0.1), optimiser=torch.optim.Adam(model.parameters()))
    [finding] = found.of("coupled-decay")
    assert finding.data["weight_decay"] == pytest.approx(0.2)  # L2 has no half
    assert "er.Proximal" in finding.mend


@pytest.mark.parametrize("penalty", [er.L1(strength=0.1), er.MaxNorm(3.0), er.L2(strength=0.0)], ids=["l1", "max", "0"])
def test_what_does_not_shrink_in_step_with_a_weight_is_no_decay(penalty):
    assert not [each for each in er.audit(normalised(), penalty=penalty).findings if "decay" in each.check]


def test_all_convolutions_of_a_resnet_are_scale_invariant_and_its_last_layer_is_not():
    model = ResNet()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=5e-4)
    [found] = er.audit(model, numbers(8, 3, 16, 16), optimiser=optimiser).of("decay-before-norm")
    assert sorted(found.layers) == sorted(name for name, each in model.named_modules() if isinstance(each, nn.Conv2d))
    assert 0 <= found.data["change_when_doubled"] < 0.01
    assert "doubled, they change the outputs in training by" in found.evidence


NOT_INVARIANT = {
    "bias before layer norm": lambda: nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 3)),
    "gelu between": lambda: nn.Sequential(nn.Linear(8, 8, bias=False), nn.GELU(), nn.BatchNorm1d(8), nn.Linear(8, 3)),
    "residual": lambda: Forward(
        lambda s, x: s.norm(x + s.one(x)), one=nn.Linear(8, 8, bias=False), norm=nn.LayerNorm(8)
    ),
    "returned": lambda: Forward(
        lambda s, x: (s.norm(h := s.one(x)), h), one=nn.Linear(8, 8, bias=False), norm=nn.LayerNorm(8)
    ),
    "used twice": lambda: Forward(
        lambda s, x: s.one(s.norm(s.one(x))), one=nn.Linear(8, 8, bias=False), norm=nn.LayerNorm(8)
    ),
}
INVARIANT = {
    "layer norm": lambda: nn.Sequential(nn.Linear(8, 8, bias=False), nn.LayerNorm(8), nn.Linear(8, 3)),
    "relu between": lambda: nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3)),
    "bias before batch norm": lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)),
    "group norm": lambda: nn.Sequential(nn.Linear(8, 8, bias=False), nn.GroupNorm(2, 8), nn.Linear(8, 3)),
}


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
@pytest.mark.parametrize("name", [*INVARIANT, *NOT_INVARIANT])
def test_scale_invariant_is_what_only_normalisations_see(name, sampled):
    torch.manual_seed(0)
    model = (INVARIANT | NOT_INVARIANT)[name]()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    found = er.audit(model, numbers(32, 8) if sampled else None, optimiser=optimiser).of("decay-before-norm")
    assert bool(found) == (name in INVARIANT)
    if found and sampled:
        assert found[0].data["change_when_doubled"] < 1e-3


def test_a_graph_that_the_measurement_contradicts_is_not_believed():
    class Sly(nn.BatchNorm1d):
        """Normalises, and gives the size of its input back."""

        def forward(self, input):
            return super().forward(input) * self.size

    def forward(self, x):
        h = self.one(x)
        self.norm.size = float(h.detach().numpy().std())
        return self.norm(h)

    model = Forward(forward, one=nn.Linear(8, 8), norm=Sly(8))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    assert er.audit(model, numbers(32, 8), optimiser=optimiser).of("decay-before-norm") == ()


def test_weights_that_were_doubled_are_halved_again():
    model = INVARIANT["layer norm"]()
    with borrowed(model, seed=0) as names:
        subject = Subject(model=model, sample=sample_for(model, numbers(8, 8)), modules={}, parameters=names)
        before = model[0].weight.clone()
        assert change_when_doubled(subject, {"0.weight": model[0].weight}) < 1e-3
        assert change_when_doubled(subject, {"2.weight": model[2].weight}) > 0.1
        assert model[0].weight.equal(before)


def test_chance_other_than_dropout_is_not_taken_for_a_change():
    model = Forward(
        lambda s, x: s.norm(s.one(x)) + torch.rand(1), one=nn.Linear(8, 8, bias=False), norm=nn.LayerNorm(8)
    )
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    [found] = er.audit(model, numbers(8, 8), optimiser=optimiser).of("decay-before-norm")
    assert found.data["change_when_doubled"] < 1e-3  # chance starts from the same seed each time


def test_an_optimiser_of_another_model_is_refused():
    with pytest.raises(RegularizeError, match="share no parameters"):
        er.audit(dense(), optimiser=torch.optim.SGD(dense().parameters(), lr=0.1))


@pytest.mark.parametrize("thing", [3, "SGD", torch.optim.SGD])
def test_what_is_no_optimiser_is_refused(thing):
    with pytest.raises(RegularizeError, match="param_groups"):
        er.audit(dense(), optimiser=thing)


def test_what_is_no_penalty_is_refused():
    with pytest.raises(RegularizeError, match="penalty must be one of evenfit's"):
        er.audit(dense(), penalty=0.1)
