"""safetensors of any torch module: the tensors of its ``state_dict``, and what is needed to load them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.func import functional_call

from evenfit.deploy.exporting.samples import Sample, output_tensors
from evenfit.errors import ExportError

TENSORS, JSON = "model.safetensors", "model.json"
PACKAGES = ("evenfit", "safetensors", "torch")
_EXAMPLE = """import json
from pathlib import Path

from safetensors.torch import load_file

tensors = load_file("model.safetensors")
shared = json.loads(Path("model.json").read_text("utf-8"))["shared"]
state = tensors | {alias: tensors[name] for alias, name in shared.items()}
print({name: list(tensor.shape) for name, tensor in state.items()})
# module.load_state_dict(state); module.eval()"""


def write(module: nn.Module, sample: Sample, folder: Path, *, shapes: Any, names: tuple[list[str], list[str]]) -> str:
    """Write every tensor once, and under which other names it goes."""
    del shapes, names
    once, again = (output_tensors(module(*sample.args, **dict(sample.kwargs))) for _ in range(2))
    if not all(torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in zip(once, again, strict=True)):
        raise ExportError(
            f"{type(module).__name__} drops or draws in evaluation mode too: two calls on the same sample differ; "
            "for functional dropout pass training=self.training"
        )
    tensors: dict[str, Tensor] = {}
    shared: dict[str, str] = {}
    places: dict[tuple[object, ...], str] = {}
    for name, tensor in module.state_dict().items():
        if not isinstance(tensor, Tensor):
            continue
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        if tensor.numel() and place in places:
            shared[name] = places[place]
        else:
            places[place] = name
            tensors[name] = tensor.detach().cpu().clone().contiguous()
    save_file(tensors, folder / TENSORS)
    about = {
        "format": "evenfit-module",
        "class": f"{type(module).__module__}.{type(module).__qualname__}",
        "mode": "evaluation, without dropout: load the weights into the module without dropout of the original form",
        "shared": shared,
        "module": repr(module).splitlines(),
    }
    (folder / JSON).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"{len(tensors):,} tensors; what drops or draws is no part of them"


def example(sample: Sample, names: Sequence[str]) -> str:
    """Give Python that loads the tensors."""
    del sample, names
    return _EXAMPLE


def opened(module: nn.Module, folder: Path) -> Callable[[Sample], Sequence[Tensor]]:
    """Load the tensors into the module's own forward."""
    tensors = load_file(folder / TENSORS)
    shared = json.loads((folder / JSON).read_text(encoding="utf-8"))["shared"]
    state = {
        name: (tensors[shared.get(name, name)]).to(tensor.device)
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor)
    }

    def run(sample: Sample) -> list[Tensor]:
        made: Any = functional_call(module, state, sample.args, dict(sample.kwargs))
        return output_tensors(made)

    return run
