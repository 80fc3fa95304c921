"""A model's files come back equal, or one line says what is wrong with them."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evenfit.deploy.folder import MANIFEST_NAME, TENSORS_NAME, VERSION, load_parts, save_model
from evenfit.errors import StoreError

MANIFEST = {"task": "binary", "classes": ["no", "yes"], "epoch": 12}
TENSORS = {"weight": np.arange(12, dtype=np.float32).reshape(3, 4), "edges": np.array([0.5, np.inf, np.nan])}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DTYPES = st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_])
ARRAYS = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)))


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / "bank", manifest=MANIFEST, tensors=TENSORS)
    return tmp_path / "bank"


def _said(folder):
    with pytest.raises(StoreError) as caught:
        load_parts(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@given(manifest=st.dictionaries(st.text(), JSON), tensors=st.dictionaries(st.text(max_size=9), ARRAYS, max_size=3))
def test_a_model_comes_back_equal_bit_for_bit(tmp_path_factory, manifest, tensors):
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, manifest=manifest, tensors=tensors)
    found_manifest, found = load_parts(folder)
    assert found_manifest == manifest
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_loaded_tensors_can_be_written_to(folder):
    _, tensors = load_parts(folder)
    assert all(array.flags.writeable and array.flags.c_contiguous for array in tensors.values())


def test_arrays_that_are_not_contiguous_come_back_equal(tmp_path):
    save_model(tmp_path, manifest={}, tensors={"turned": TENSORS["weight"].T[::2]})
    np.testing.assert_array_equal(load_parts(tmp_path)[1]["turned"], TENSORS["weight"].T[::2])


def test_saving_again_replaces_the_model(folder):
    save_model(folder, manifest={"task": "regression"}, tensors={"weight": np.zeros(1)})
    assert load_parts(folder)[0] == {"task": "regression"}
    assert {path.name for path in folder.iterdir()} == {MANIFEST_NAME, TENSORS_NAME}


def test_a_model_in_a_folder_of_its_own_is_found_from_its_run(tmp_path):
    save_model(tmp_path / "bank" / "model", manifest=MANIFEST, tensors=TENSORS)
    assert load_parts(tmp_path / "bank")[0] == MANIFEST


@pytest.mark.parametrize("crash", [1, 2, 3, 4])
def test_a_crash_while_saving_leaves_no_mixture(folder, monkeypatch, crash):
    calls, sync = [], os.fsync

    def crashing(descriptor):
        calls.append(descriptor)
        if len(calls) == crash:
            raise KeyboardInterrupt
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", crashing)
    with pytest.raises(KeyboardInterrupt):
        save_model(folder, manifest={"task": "regression"}, tensors={"weight": np.zeros(1)})
    monkeypatch.undo()
    if (folder / MANIFEST_NAME).exists():
        assert load_parts(folder)[0] == {"task": "regression"}
    else:
        assert "has no model in it" in _said(folder)


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"the disk that holds .* is full"):
        save_model(tmp_path / "bank", manifest={}, tensors={})
    assert list((tmp_path / "bank").iterdir()) == []


def test_a_folder_that_is_missing_is_said(tmp_path):
    assert f"there is no folder {tmp_path / 'nowhere'}" in _said(tmp_path / "nowhere")


def test_a_file_in_place_of_a_folder_is_said(folder):
    assert "is a file, but the folder of a run was wanted" in _said(folder / MANIFEST_NAME)


def test_a_run_that_is_not_done_says_how_to_resume(tmp_path):
    (tmp_path / "my bank" / "trials").mkdir(parents=True)
    assert f"go on with: evenfit resume '{tmp_path / 'my bank'}'" in _said(tmp_path / "my bank")


def test_a_folder_of_something_else_has_no_model(tmp_path):
    assert "has no model in it" in _said(tmp_path)


def test_missing_weights_are_said(folder):
    (folder / TENSORS_NAME).unlink()
    assert f"{folder / TENSORS_NAME} is missing" in _said(folder)


@pytest.mark.parametrize("name", [MANIFEST_NAME, TENSORS_NAME])
@pytest.mark.parametrize("kept", [0, 1, 20, -1])
def test_a_file_that_is_cut_short_is_said(folder, name, kept):
    path = folder / name
    path.write_bytes(path.read_bytes()[:kept])
    assert f"{path} is damaged" in _said(folder)


def test_a_changed_byte_of_the_weights_is_said(folder):
    path = folder / TENSORS_NAME
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert f"{path} is damaged (its checksum differs" in _said(folder)


def test_a_newer_model_is_refused(folder):
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": VERSION + 1, "more": 1}))
    assert f"was written by a newer evenfit (model version {VERSION + 1}" in _said(folder)


@pytest.mark.parametrize(
    "text", ["[]", "null", "{}", '"x"', "[" * 100_000, "\xff", '{"version": 1}', '{"version": "one"}', "{'a': 1}"]
)
def test_a_manifest_of_another_form_is_said(folder, text):
    Path(folder / MANIFEST_NAME).write_bytes(text.encode("latin-1"))
    assert f"{folder / MANIFEST_NAME} is damaged" in _said(folder)


@pytest.mark.parametrize(
    ("name", "value"), [("checksum", "short"), ("manifest", []), ("format", "other"), ("version", 0), ("extra", 1)]
)
def test_a_wrong_value_of_the_manifest_is_named(folder, name, value):
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    assert f"is damaged ({name}: " in _said(folder)
