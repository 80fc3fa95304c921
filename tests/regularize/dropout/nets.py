"""Networks of the shapes that users bring, each with an input and where dropout belongs in it."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import rnn


class Functional(nn.Module):
    """Activations are functions in forward."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 16), nn.Linear(16, 16), nn.Linear(16, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.second(functional.relu(self.first(x)))))


class Convolutional(nn.Module):
    """Maps, batch normalisation, a dense head that has dropout already."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)
        self.dense1, self.drop, self.dense2 = nn.Linear(32, 10), nn.Dropout(0.5), nn.Linear(10, 3)
        self.hidden = nn.Linear(10, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.norm1(self.conv1(x))), 2)
        x = functional.relu(self.norm2(self.conv2(x)))
        x = torch.flatten(functional.adaptive_avg_pool2d(x, 2), 1)
        x = self.drop(functional.relu(self.dense1(x)))
        return functional.log_softmax(self.dense2(self.hidden(x).clamp(min=0)), dim=1)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        out += x
        return self.relu(out)


class Residual(nn.Module):
    """Blocks with one ReLU for two places, sums in place, a mean over the maps."""

    def __init__(self):
        super().__init__()
        self.stem, self.blocks, self.head = nn.Conv2d(3, 8, 3), nn.Sequential(Block(8), Block(8)), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.blocks(functional.relu(self.stem(x))).mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self, kind=nn.LSTM, state=False, **settings):
        super().__init__()
        self.embedding, self.layer = nn.Embedding(10, 6), kind(6, 7, batch_first=True, **settings)
        self.head, self.state = nn.Linear(7 * (2 if settings.get("bidirectional") else 1), 2), state

    def forward(self, x):
        output, last = self.layer(self.embedding(x))
        if self.state:
            hidden = last[0] if isinstance(self.layer, nn.LSTM) else last
            return self.head(hidden[-1])
        return self.head(output[:, -1])


class Packed(nn.Module):
    """Packed sequences inside."""

    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.GRU(4, 7, batch_first=True), nn.Linear(7, 2)

    def forward(self, x, lengths):
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, _ = self.layer(packed)
        padded, _ = rnn.pad_packed_sequence(output, batch_first=True)
        return self.head(padded.sum(1))


class Transformer(nn.Module):
    """Torch's attention, layer normalisation first, an argument with a default."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.wide, self.narrow, self.head = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 2)

    def forward(self, x, mask=None):
        if mask is not None:
            x = x * mask
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        x = x + self.narrow(functional.gelu(self.wide(self.norm2(x))))
        return self.head(x.mean(1))


class WrittenOut(nn.Module):
    """Activations written out, a gated unit, a normalisation written out, attention written out."""

    def __init__(self):
        super().__init__()
        self.swish, self.gate, self.gelu, self.head = (nn.Linear(4, 4) for _ in range(4))
        self.query, self.key, self.value = (nn.Linear(4, 4) for _ in range(3))

    def forward(self, x):
        h = self.swish(x)
        h = h * torch.sigmoid(h)
        gated = functional.silu(self.gate(x)) * x
        z = self.gelu(x)
        gelu = 0.5 * z * (1 + torch.erf(z / 2**0.5))
        h = h + gated + gelu
        h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-6)
        scores = torch.softmax(self.query(h) @ self.key(h).transpose(-1, -2), dim=-1)
        return self.head(scores @ self.value(h))


class Squeeze(nn.Module):
    """Squeeze and excitation: a gate on maps."""

    def __init__(self):
        super().__init__()
        self.conv, self.down, self.up, self.head = (
            nn.Conv2d(3, 8, 3),
            nn.Conv2d(8, 2, 1),
            nn.Conv2d(2, 8, 1),
            nn.Linear(8, 2),
        )

    def forward(self, x):
        x = functional.relu(self.conv(x))
        gate = torch.sigmoid(self.up(functional.relu(self.down(functional.adaptive_avg_pool2d(x, 1)))))
        return self.head((x * gate).mean((2, 3)))


class Mode(nn.Module):
    """What depends on the mode: functional dropout, with its rate as a number or in a condition."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        x = functional.dropout(functional.relu(self.first(x)), 0.25, training=self.training)
        q = x[:, None]
        x = functional.scaled_dot_product_attention(q, q, q, dropout_p=0.5 if self.training else 0.0)[:, 0]
        return self.last(functional.gelu(self.second(x)))


class Twice(nn.Module):
    """One block called twice."""

    def __init__(self):
        super().__init__()
        self.block, self.head = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.block(self.block(x)))


class TwiceAndLast(Twice):
    """One block called twice, the second time for the output."""

    def forward(self, x):
        return self.block(self.head(self.block(x)).expand(-1, 4))


class Indexed(nn.Module):
    """A sequence whose parts are called one by one."""

    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, x):
        return self.parts[2](self.parts[1](self.parts[0](x)))


class DenselyConnected(nn.Module):
    """Normalisation and activation first, maps laid beside one another."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm1, self.conv1 = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)
        self.norm2, self.conv2, self.head = nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1), nn.Linear(12, 2)

    def forward(self, x):
        x = self.stem(x)
        x = torch.cat([x, self.conv1(functional.relu(self.norm1(x)))], 1)
        x = torch.cat([x, self.conv2(functional.relu(self.norm2(x)))], 1)
        return self.head(functional.relu(x).mean((2, 3)))


class Autoencoder(nn.Module):
    """Transposed convolutions, a variance, several outputs."""

    def __init__(self):
        super().__init__()
        self.encode, self.mean, self.spread = nn.Conv1d(2, 6, 3), nn.Linear(36, 3), nn.Linear(36, 3)
        self.decode, self.up = nn.Linear(3, 36), nn.ConvTranspose1d(6, 2, 3)

    def forward(self, x):
        h = functional.elu(self.encode(x)).flatten(1)
        mean, deviation = self.mean(h), (0.5 * self.spread(h)).exp()
        code = mean + deviation * torch.ones_like(deviation)
        out = self.up(functional.leaky_relu(self.decode(code)).view(-1, 6, 6))
        return {"out": torch.sigmoid(out), "mean": mean}


class Listed(nn.Module):
    """Layers in lists, weights that are shared, a constant made on the way, arguments by name."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 6)
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(2)])
        self.acts = nn.ModuleDict({"a": nn.Mish()})
        self.head = nn.Linear(6, 10, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x, *, scale=1.0):
        x = self.embedding(x).mean(1) * scale + torch.tensor([0.5])
        for layer in self.layers:
            x = self.acts["a"](layer(x))
        return self.head(x)


class Decided(nn.Module):
    """Control flow that depends on data."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def nested(part):
    """A model with a part inside."""

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.part, self.head = part, nn.Linear(4, 1)

        def forward(self, x):
            return self.head(functional.relu(self.part(x)))

    return Outer()


def shared_relu():
    relu = nn.ReLU()
    return nn.Sequential(nn.Linear(4, 8), relu, nn.Linear(8, 8), relu, nn.Linear(8, 2), relu)


IMAGE = (2, 3, 12, 12)
# name: (model, arguments, {layer: kind and what it follows}, whether the class stays as it is)
NETS = {
    "mlp": (
        lambda: nn.Sequential(
            nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
        ),
        lambda: (torch.randn(5, 4),),
        {"1_dropout": "units '1' (ReLU)", "4_dropout": "units '4' (ReLU)"},
        True,
    ),
    "activation before batch norm": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 2), nn.Sigmoid()),
        lambda: (torch.randn(5, 4),),
        {"2_dropout": "units '2' (BatchNorm1d)"},
        True,
    ),
    "cnn": (
        lambda: nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(nn.Conv2d(8, 8, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            nn.Sequential(nn.Linear(8, 8), nn.SELU(), nn.Linear(8, 2), nn.Softmax(1)),
        ),
        lambda: (torch.randn(IMAGE),),
        {"0.1_dropout": "maps2 '0.1' (ReLU)", "1.1_dropout": "maps2 '1.1' (GELU)", "2.1_dropout": "alpha '2.1' (SELU)"},
        True,
    ),
    "flattened before the activation": (
        lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.Flatten(), nn.Tanh(), nn.Linear(8, 2)),
        lambda: (torch.randn(2, 3, 4),),
        {"2_dropout": "units '2' (Tanh)"},
        True,
    ),
    "three dimensions": (
        lambda: nn.Sequential(nn.Conv3d(1, 4, 2), nn.PReLU(), nn.Conv3d(4, 1, 2)),
        lambda: (torch.randn(2, 1, 4, 4, 4),),
        {"1_dropout": "maps3 '1' (PReLU)"},
        True,
    ),
    "one relu": (
        shared_relu,
        lambda: (torch.randn(5, 4),),
        {"1_dropout": "units '1' (ReLU)", "1_dropout_2": "units '1' (ReLU)"},
        False,
    ),
    "functional": (
        Functional,
        lambda: (torch.randn(5, 4),),
        {"relu_dropout": "units relu of 'first'", "tanh_dropout": "units tanh of 'second'"},
        False,
    ),
    "convolutional": (
        Convolutional,
        lambda: (torch.randn(IMAGE),),
        {
            "relu_dropout": "maps2 relu of 'conv1'",
            "relu_1_dropout": "maps2 relu of 'conv2'",
            "clamp_dropout": "units clamp of 'hidden'",
        },
        False,
    ),
    "residual": (
        Residual,
        lambda: (torch.randn(IMAGE),),
        {
            "relu_dropout": "maps2 relu of 'stem'",
            "blocks.0.relu_dropout": "maps2 'blocks.0.relu' (ReLU)",
            "blocks.0.relu_dropout_2": "maps2 'blocks.0.relu' (ReLU)",
            "blocks.1.relu_dropout": "maps2 'blocks.1.relu' (ReLU)",
            "blocks.1.relu_dropout_2": "maps2 'blocks.1.relu' (ReLU)",
        },
        False,
    ),
    "lstm": (Recurrent, lambda: (torch.randint(10, (3, 5)),), {"getitem_dropout": "times getitem of 'layer'"}, False),
    "gru, both ways": (
        lambda: Recurrent(nn.GRU, num_layers=2, bidirectional=True),
        lambda: (torch.randint(10, (3, 5)),),
        {"getitem_dropout": "times getitem of 'layer'"},
        False,
    ),
    "last state": (
        lambda: Recurrent(state=True),
        lambda: (torch.randint(10, (3, 5)),),
        {"getitem_2_dropout": "units getitem of 'layer'"},
        False,
    ),
    "packed": (
        Packed,
        lambda: (torch.randn(3, 5, 4), torch.tensor([2, 5, 3])),
        {"getitem_dropout": "times getitem of 'layer'"},
        False,
    ),
    "transformer": (Transformer, lambda: (torch.randn(2, 5, 8),), {"gelu_dropout": "units gelu of 'wide'"}, False),
    "written out": (
        WrittenOut,
        lambda: (torch.randn(3, 4),),
        {
            "mul_dropout": "units mul of 'swish'",
            "silu_dropout": "units silu of 'gate'",
            "mul_3_dropout": "units mul of 'gelu'",
        },
        False,
    ),
    "squeeze": (
        Squeeze,
        lambda: (torch.randn(IMAGE),),
        {"relu_dropout": "maps2 relu of 'conv'", "relu_1_dropout": "maps2 relu of 'down'"},
        False,
    ),
    "mode": (Mode, lambda: (torch.randn(5, 4),), {"gelu_dropout": "units gelu of 'second'"}, False),
    "twice": (Twice, lambda: (torch.randn(5, 4),), {"block.1_dropout": "units 'block.1' (ReLU)"}, True),
    "twice and last": (
        TwiceAndLast,
        lambda: (torch.randn(5, 4),),
        {"block_1_dropout": "units 'block.1' (ReLU)"},
        False,
    ),
    "indexed": (Indexed, lambda: (torch.randn(5, 4),), {"parts_1_dropout": "units 'parts.1' (ReLU)"}, False),
    "densely connected": (
        DenselyConnected,
        lambda: (torch.randn(IMAGE),),
        {
            "relu_dropout": "maps2 relu of 'stem'",
            "relu_1_dropout": "maps2 relu of 'conv1'",
            "relu_2_dropout": "maps2 relu of 'conv2'",
        },
        False,
    ),
    "autoencoder": (
        Autoencoder,
        lambda: (torch.randn(2, 2, 8),),
        {"elu_dropout": "maps1 elu of 'encode'", "leaky_relu_dropout": "units leaky_relu of 'decode'"},
        False,
    ),
    "listed": (
        Listed,
        lambda: (torch.randint(10, (3, 5)),),
        {"acts_a_dropout": "units 'acts.a' (Mish)", "acts_a_dropout_2": "units 'acts.a' (Mish)"},
        False,
    ),
}
