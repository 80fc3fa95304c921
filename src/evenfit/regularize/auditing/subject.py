"""Subject: a borrowed model and the sample that it is run on; and its runs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from evenfit.errors import EvenfitError, RegularizeError
from evenfit.regularize.auditing.borrowing import reseed
from evenfit.regularize.auditing.recording import Recorder, Run, recording
from evenfit.regularize.auditing.samples import Sample
from evenfit.regularize.auditing.sites import site_of_error
from evenfit.regularize.auditing.tensors import tensors_in

Given = TypeVar("Given")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A borrowed model and its sample."""

    model: nn.Module
    sample: Sample
    modules: Mapping[int, str]  # qualified name of each module, by its id
    parameters: Mapping[int, str]  # of each parameter and buffer, and of its copy

    def record(self) -> Run:
        """Run the model in the mode that it is in, and write down what it does.

        Raises:
            RegularizeError: the model cannot be run on the sample; the message has the line that failed.
        """

        def recorded() -> Run:
            args, kwargs = self.sample.fresh()
            recorder = Recorder(modules=self.modules, parameters=self.parameters)
            recorder.input(tensors_in(args, kwargs))
            with recording(recorder):
                result = self.model(*args, **kwargs)
            outputs = tuple(each.detach() for each in tensors_in(result))
            return Run(
                graph=recorder.graph(result),
                prints=tuple(recorder.prints),
                outputs=outputs,
                called=frozenset(recorder.called),
            )

        return self._tried(recorded)

    def call(self, *modes: AbstractContextManager[Any], seed: int | None = None) -> tuple[Tensor, ...]:
        """Run the model with torch function modes around it, and give its outputs; chance may start from a seed.

        Raises:
            RegularizeError: the model cannot be run on the sample.
        """

        def called() -> tuple[Tensor, ...]:
            if seed is not None:
                reseed(seed)
            args, kwargs = self.sample.fresh()
            with ExitStack() as stack:
                for mode in modes:
                    stack.enter_context(mode)
                return tuple(each.detach() for each in tensors_in(self.model(*args, **kwargs)))

        return self._tried(called)

    def _tried(self, run: Callable[[], Given]) -> Given:
        """Run without gradients, or with them if that fails: some forwards take gradients themselves."""
        with quiet():
            try:
                with torch.no_grad():
                    return run()
            except Exception:  # noqa: BLE001 - whatever a user's forward raises
                try:
                    with torch.enable_grad():
                        return run()
                except Exception as error:
                    raise self._failed(error) from error

    def _failed(self, error: Exception) -> RegularizeError:
        site = site_of_error(error)
        place = f" at {site}" if site else ""
        said = " ".join(str(error).split()) or "no message"
        kind = "" if isinstance(error, EvenfitError) else f"{type(error).__name__}: "
        hint = ""
        whole = any(each.is_floating_point() for each in tensors_in(self.sample.args, self.sample.kwargs))
        if whole and any(isinstance(each, nn.Embedding | nn.EmbeddingBag) for each in self.model.modules()):
            hint = "; it has an embedding, which takes whole numbers: give a sample of dtype int64"
        name = type(self.model).__name__
        return RegularizeError(f"{name} cannot be run on the sample {self.sample}{place}: {kind}{said}{hint}")


@contextmanager
def quiet() -> Iterator[None]:
    """Run a model as plain Python, without torch's warnings, which the audit has better words for."""
    # Compiled code cannot be looked into. Only who compiles has loaded dynamo, and loading it takes seconds.
    eager = torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
    with warnings.catch_warnings(), eager:
        warnings.simplefilter("ignore")
        yield


def set_mode(model: nn.Module, *, training: bool) -> bool:
    """Switch a model as its user would; False where it cannot be switched, as what was exported cannot."""
    switch: Callable[..., Any] = model.train if training else model.eval
    try:
        switch()
    except NotImplementedError:
        return False
    return True
