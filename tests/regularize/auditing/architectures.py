"""Well-known architectures, in small, with dropout where their authors' readers put it today."""

import math

import torch
from torch import nn

import evenfit.regularize as er

F = nn.functional


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.short = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(h)) + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.layers = nn.Sequential(Residual(8, 8), Residual(8, 16, 2))
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.layers(self.stem(x)), 1)
        return self.head(self.drop(torch.flatten(x, 1)))


def vgg():
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10)),
    )


class Classifier(nn.Module):
    """An LSTM over tokens."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 12, num_layers=2, dropout=0.3, batch_first=True, bidirectional=True)
        self.drop_in, self.drop_out = nn.Dropout(0.3), nn.Dropout(0.3)
        self.head = nn.Linear(24, 3)

    def forward(self, tokens):
        _, (hidden, _) = self.lstm(self.drop_in(self.embed(tokens)))
        return self.head(self.drop_out(torch.cat([hidden[-2], hidden[-1]], dim=1)))


def transformer_layers(**options):
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, **options)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


class Encoder(nn.Module):
    """A Transformer encoder over tokens, with learned positions."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.position = nn.Parameter(torch.randn(1, 20, 16))
        self.drop = nn.Dropout(0.1)
        self.layers = transformer_layers(norm_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, tokens):
        x = self.drop(self.embed(tokens) + self.position[:, : tokens.shape[1]])
        return self.head(self.layers(x).mean(dim=1))


class Attention(nn.Module):
    def __init__(self, width, heads, rate):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.attention_drop, self.out_drop = nn.Dropout(rate), nn.Dropout(rate)
        self.register_buffer("mask", torch.tril(torch.ones(32, 32))[None, None])

    def forward(self, x):
        rows, length, width = x.shape
        shape = (rows, length, self.heads, width // self.heads)
        query, key, value = (each.view(shape).transpose(1, 2) for each in self.qkv(x).split(width, dim=2))
        scores = query @ key.transpose(-2, -1) / math.sqrt(key.size(-1))
        scores = scores.masked_fill(self.mask[:, :, :length, :length] == 0, float("-inf"))
        mixed = self.attention_drop(F.softmax(scores, dim=-1)) @ value
        return self.out_drop(self.out(mixed.transpose(1, 2).contiguous().view(rows, length, width)))


class Block(nn.Module):
    def __init__(self, width, rate):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, 2, rate)
        self.mlp = nn.Sequential(nn.Linear(width, 32), nn.GELU(), nn.Linear(32, width), nn.Dropout(rate))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """A small GPT with tied embeddings, which gives logits and a loss."""

    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(40, 16), nn.Embedding(32, 16)
        self.drop = nn.Dropout(0.1)
        self.blocks = nn.ModuleList([Block(16, 0.1) for _ in range(2)])
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 40, bias=False)
        self.head.weight = self.token.weight

    def forward(self, tokens, targets):
        x = self.drop(self.token(tokens) + self.place(torch.arange(tokens.size(1), device=tokens.device)))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def mlp():
    return nn.Sequential(
        *(nn.Dropout(0.2), nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3)),
    )


def normalised_mlp():
    """Batch normalisation first, dropout behind the last one."""
    return nn.Sequential(
        *(nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU()),
        *(nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 3)),
    )


def double(inputs, outputs):
    return nn.Sequential(
        *(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
        *(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
    )


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.bottom, self.last = double(3, 8), double(8, 16), double(16, 8)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.drop = nn.Dropout2d(0.1)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        skip = self.down(x)
        up = self.up(self.bottom(F.max_pool2d(skip, 2)))
        return self.out(self.drop(self.last(torch.cat([skip, up], dim=1))))


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(1e-6 * torch.ones(width))
        self.depth = er.StochasticDepth(0.1)

    def forward(self, x):
        h = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        h = self.scale * self.narrow(F.gelu(self.wide(h)))
        return x + self.depth(h.permute(0, 3, 1, 2))


def convnext():
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 4, 4), ConvNeXtBlock(8), ConvNeXtBlock(8)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 10)),
    )


class Temporal(nn.Module):
    """A block of a temporal convolutional network, with whole channels dropped."""

    def __init__(self, inputs, outputs, dilation):
        super().__init__()
        self.left = 2 * dilation
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(inputs, outputs, 3, dilation=dilation))
        self.drop = nn.Dropout1d(0.1)
        self.short = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x):
        return F.relu(self.drop(F.relu(self.conv(F.pad(x, (self.left, 0))))) + self.short(x))


class Decoder(nn.Module):
    """A loop over time with one dropout layer, as it should be."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 8)
        self.cell = nn.GRUCell(8, 8)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(8, 30)

    def forward(self, tokens):
        state, outputs = tokens.new_zeros(len(tokens), 8, dtype=torch.float32), []
        for step in self.embed(tokens).unbind(1):
            state = self.cell(step, state)
            outputs.append(self.out(self.drop(state)))
        return torch.stack(outputs, dim=1)


def self_normalising():
    return nn.Sequential(nn.Linear(8, 16), nn.SELU(), nn.AlphaDropout(0.05), nn.Linear(16, 1))


def tokens(*shape, most=30):
    return torch.randint(most, shape, generator=torch.Generator().manual_seed(0))


def numbers(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# name: (how to make it, its sample)
ARCHITECTURES = {
    "resnet": (ResNet, lambda: numbers(8, 3, 16, 16)),
    "vgg": (vgg, lambda: numbers(8, 3, 16, 16)),
    "lstm classifier": (Classifier, lambda: tokens(8, 7)),
    "transformer layers": (transformer_layers, lambda: numbers(4, 6, 16)),
    "transformer encoder": (Encoder, lambda: tokens(8, 7)),
    "transformer": (lambda: nn.Transformer(16, 2, 1, 1, 32, batch_first=True), lambda: (numbers(2, 5, 16),) * 2),
    "gpt": (GPT, lambda: (tokens(4, 12), tokens(4, 12))),
    "mlp": (mlp, lambda: numbers(32, 8)),
    "normalised mlp": (normalised_mlp, lambda: numbers(32, 8)),
    "u-net": (UNet, lambda: numbers(4, 3, 16, 16)),
    "convnext": (convnext, lambda: numbers(4, 3, 32, 32)),
    "temporal": (
        lambda: nn.Sequential(Temporal(3, 8, 1), Temporal(8, 8, 2), nn.Conv1d(8, 2, 1)),
        lambda: numbers(4, 3, 20),
    ),
    "decoder": (Decoder, lambda: tokens(4, 9)),
    "self-normalising": (self_normalising, lambda: numbers(32, 8)),
}
