"""Samples: every way in which a model can be called, and what is drawn where only shapes are given."""

import numpy as np
import pytest
import torch
from tests.regularize.auditing.architectures import numbers
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.auditing.samples import sample_of_file, sample_of_shapes


class Two(nn.Module):
    """Takes two inputs, and remembers how."""

    def __init__(self):
        super().__init__()
        self.embed, self.layer = nn.Embedding(5, 4), nn.Linear(3, 4)

    def forward(self, numbers, tokens):
        return self.layer(numbers) + self.embed(tokens)


TOKENS = torch.tensor([1, 4])


@pytest.mark.parametrize(
    "sample",
    [
        (numbers(2, 3), TOKENS),
        {"tokens": TOKENS, "numbers": numbers(2, 3)},
        (numbers(2, 3).numpy(), TOKENS.numpy()),
    ],
    ids=["tuple", "mapping", "arrays"],
)
def test_a_tuple_is_the_arguments_and_a_mapping_those_by_name(sample):
    assert er.audit(Two(), sample).way == "run"


def test_a_list_and_a_mapping_in_a_tuple_are_one_argument():
    class Batch(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, batch):
            return [self.layer(each) for each in (batch.values() if isinstance(batch, dict) else batch)]

    assert er.audit(Batch(), [numbers(2, 3), numbers(4, 3)]).looked.startswith("run on [2, 3], [4, 3]")
    assert er.audit(Batch(), ({"a": numbers(2, 3)},)).looked.startswith("run on [2, 3]")


def test_a_sample_that_does_not_fit_is_told_with_the_line_that_failed():
    with pytest.raises(
        RegularizeError, match=r"Two cannot be run on the sample \[2, 7\], \[2\] at .*test_samples.py:\d+: "
    ):
        er.audit(Two(), (numbers(2, 7), TOKENS))


def test_numbers_for_an_embedding_are_told_with_what_to_do():
    with pytest.raises(RegularizeError, match="it has an embedding, which takes whole numbers"):
        er.audit(nn.Sequential(nn.Embedding(5, 2)), numbers(2, 3))


def test_shapes_are_one_several_or_named_arguments():
    model = nn.Linear(3, 2)
    assert str(sample_of_shapes(model, [4, 3])) == "[4, 3]"
    assert str(sample_of_shapes(model, [[4, 3], [4]])) == "[4, 3], [4]"
    assert list(sample_of_shapes(model, {"a": [4, 3], "b": [4]}).kwargs) == ["a", "b"]


def test_what_is_drawn_has_the_models_dtype_and_whole_numbers_fit_its_embeddings():
    [drawn] = sample_of_shapes(nn.Linear(3, 2).double(), [4, 3]).args
    assert drawn.dtype == torch.float64
    one, two = sample_of_shapes(Two(), [[400, 3], [400]], dtypes=["float32", "int64"]).args
    assert (one.dtype, two.dtype) == (torch.float32, torch.int64)
    assert (int(two.min()), int(two.max())) == (0, 4)
    [flags] = sample_of_shapes(nn.Linear(3, 2), [100], dtypes=["bool"]).args
    assert flags.unique().tolist() == [False, True]
    assert er.audit(Two(), sample_of_shapes(Two(), [[4, 3], [4]], dtypes=["float32", "int64"])).way == "run"


def test_a_drawn_sample_is_the_same_each_time_and_its_inputs_differ():
    one, two = sample_of_shapes(nn.Linear(3, 2), [[4, 3], [4, 3]]).args
    assert not one.equal(two)
    assert sample_of_shapes(nn.Linear(3, 2), [4, 3]).args[0].equal(one)


@pytest.mark.parametrize("shapes", [[], [0, 3], [-1, 3], [1.5], ["4"], [True], {"a": 4}, [[4, 3], []]], ids=str)
def test_what_is_no_shape_is_refused(shapes):
    with pytest.raises(RegularizeError, match="a shape must be a list of whole numbers above 0"):
        sample_of_shapes(nn.Linear(3, 2), shapes)


def test_what_is_no_dtype_is_refused():
    with pytest.raises(RegularizeError, match="dtype must be one of torch's"):
        sample_of_shapes(nn.Linear(3, 2), [4, 3], dtypes=["float33"])
    with pytest.raises(RegularizeError, match="one for each of the 2 inputs; got 3"):
        sample_of_shapes(nn.Linear(3, 2), [[4, 3], [4]], dtypes=["int64"] * 3)


def test_files_are_one_argument_several_or_named_ones(tmp_path):
    rows, tokens = numbers(2, 3).double().numpy(), TOKENS.numpy()
    np.save(tmp_path / "a.npy", rows)
    np.savez(tmp_path / "b.npz", rows, tokens)
    np.savez(tmp_path / "c.npz", tokens=tokens, numbers=rows)
    [one] = sample_of_file(nn.Linear(3, 2), str(tmp_path / "a.npy")).args
    assert one.dtype == torch.float32
    assert [each.dtype for each in sample_of_file(Two(), str(tmp_path / "b.npz")).args] == [torch.float32, torch.int64]
    assert er.audit(Two(), sample_of_file(Two(), str(tmp_path / "b.npz"))).way == "run"
    assert er.audit(Two(), sample_of_file(Two(), str(tmp_path / "c.npz"))).way == "run"


def test_files_that_are_no_arrays_of_numbers_are_refused(tmp_path):
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "empty.npz")
    (tmp_path / "text.npy").write_text("no")
    (tmp_path / "text.npz").write_text("no")
    for name, said in {
        "words.npy": "no array of numbers",
        "objects.npy": "cannot be read as arrays",
        "empty.npz": "holds no arrays",
        "text.npy": "cannot be read as arrays",
        "text.npz": "cannot be read as arrays",
    }.items():
        with pytest.raises(RegularizeError, match=said):
            sample_of_file(nn.Linear(3, 2), str(tmp_path / name))
