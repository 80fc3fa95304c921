"""Small models of many kinds: each with a batch that it takes."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class Tied(nn.Module):
    """A tiny language model whose embedding and output layer share one weight; a mask is not saved with it."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.mix = nn.Linear(4, 4)
        self.output = nn.Linear(4, 5, bias=False)
        self.output.weight = self.embedding.weight
        mask = torch.full((3, 3), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, tokens):
        self.seen += 1
        units = self.embedding(tokens)
        shares = (units @ units.transpose(1, 2) + self.mask).softmax(2)
        return self.output(torch.tanh(self.mix(shares @ units)))


class Recurrent(nn.Module):
    """An LSTM of two layers, read at its last step."""

    def __init__(self):
        super().__init__()
        self.layers = nn.LSTM(3, 4, num_layers=2, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.layers(x)[0][:, -1])


def dense():
    return nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 2))


def images():
    made = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.GELU(), nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    return made.to(memory_format=torch.channels_last)


def frozen():
    made = nn.Sequential(nn.Linear(3, 4), nn.SELU(), nn.Linear(4, 2))
    made[0].weight.requires_grad_(requires_grad=False)
    return made


ZOO = {
    "dense": (dense, lambda: torch.rand(8, 3)),
    "double": (lambda: dense().double(), lambda: torch.rand(8, 3, dtype=torch.float64)),
    "bfloat16": (lambda: nn.Linear(3, 2).bfloat16(), lambda: torch.rand(8, 3).bfloat16()),
    "images": (images, lambda: torch.rand(8, 2, 5, 5).to(memory_format=torch.channels_last)),
    "tied": (Tied, lambda: torch.randint(5, (8, 3))),
    "recurrent": (Recurrent, lambda: torch.rand(8, 4, 3)),
    "attention": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), lambda: torch.rand(8, 3, 4)),
    "weight_norm": (lambda: nn.Sequential(weight_norm(nn.Linear(3, 2))), lambda: torch.rand(8, 3)),
    "frozen": (frozen, lambda: torch.rand(8, 3)),
}


def make(kind, seed=0):
    """A model of a kind, and a batch."""
    model, batch = ZOO[kind]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model(), batch()


def train(model, batch, steps=1, optimiser=None):
    """Some steps of plain training towards nothing."""
    optimiser = optimiser or torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        model(batch).square().mean().backward()
        optimiser.step()


def snapshot(model):
    """A copy of everything that the model holds, and where it lies."""
    own = [*model.named_parameters(), *model.named_buffers()]
    return {name: (id(one), one.data_ptr(), one.detach().clone()) for name, one in own}


def same(model, before):
    """Whether the model holds the same bits in the same tensors as when the snapshot was taken."""
    own = dict([*model.named_parameters(), *model.named_buffers()])
    return own.keys() == before.keys() and all(
        id(own[name]) == place and own[name].data_ptr() == memory and equal_bits(own[name], value)
        for name, (place, memory, value) in before.items()
    )


def equal_bits(first, second):
    """Whether two tensors are the same bit for bit: -0 is not 0, and NaN is NaN."""
    bits = [one.detach().reshape(-1).contiguous().clone().view(torch.uint8) for one in (first, second)]
    return torch.equal(*bits)
