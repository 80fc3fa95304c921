import os

import numpy
import pytest

from evenfit.sweeps.event_files import scalars
from evenfit.sweeps.metrics import Metrics, Reader

tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="needs tensorboard, of the extra of that name")


def _metrics(tmp_path, name="loss", pids=(0,)):
    home = tmp_path / "run"
    home.mkdir(exist_ok=True)
    calls, output = Reader(home / "metrics.jsonl"), Reader(home / "output.log")
    return Metrics(
        name=name, calls=calls, output=output, folder=home, working=tmp_path / "work", pids=lambda: list(pids)
    )


def test_what_is_still_written_is_read_as_far_as_it_goes(tmp_path):
    found = []
    metrics = _metrics(tmp_path)
    writer = tensorboard.SummaryWriter(str(tmp_path / "run" / "deep" / "er"))
    for step in range(5):
        writer.add_scalar("loss", step / 4, step)
        writer.add_histogram("weights", numpy.array([1.0, 2.0]), step)
        writer.flush()
        metrics.looked = -1e9
        metrics.update()
        found.append(list(metrics.history))
    writer.close()
    assert found == [[step / 4 for step in range(last + 1)] for last in range(5)]
    assert "weights" not in metrics.names


def test_a_file_that_is_cut_anywhere_is_read_up_to_the_cut(tmp_path):
    writer = tensorboard.SummaryWriter(str(tmp_path))
    for step in range(3):
        writer.add_scalar("a", float(step), step)
    writer.close()
    (file,) = tmp_path.glob("*tfevents*")
    content = file.read_bytes()
    whole = [(tag, value) for _, tag, value in scalars(content)]
    assert whole == [("a", 0.0), ("a", 1.0), ("a", 2.0)]
    for cut in range(len(content)):
        part = [(tag, value) for _, tag, value in scalars(content[:cut])]
        assert part == whole[: len(part)]


def test_values_of_several_writers_come_in_the_order_of_time(tmp_path):
    metrics = _metrics(tmp_path)
    writers = [tensorboard.SummaryWriter(str(tmp_path / "run" / name)) for name in "ba"]
    for step in range(4):
        writers[step % 2].add_scalar("loss", float(step), step, walltime=1000.0 + step)
    for writer in writers:
        writer.close()
    metrics.update(ended=True)
    assert metrics.history == [0.0, 1.0, 2.0, 3.0]


def test_tensors_of_the_newer_style_are_numbers_too(tmp_path):
    writer = tensorboard.SummaryWriter(str(tmp_path))
    writer.add_scalar("new", 0.25, 0, new_style=True)
    writer.add_scalar("double", 0.1, 0, new_style=True, double_precision=True)
    writer.close()
    (file,) = tmp_path.glob("*tfevents*")
    assert [(tag, value) for _, tag, value in scalars(file.read_bytes())] == [
        ("new", 0.25),
        ("double", pytest.approx(0.1)),
    ]


def test_files_below_the_working_folder_are_a_runs_only_if_its_processes_write_them(tmp_path):
    writer = tensorboard.SummaryWriter(str(tmp_path / "work" / "runs" / "x"))
    writer.add_scalar("loss", 0.5, 0)
    writer.close()
    other, own = _metrics(tmp_path, pids=[1]), _metrics(tmp_path, pids=[os.getpid()])
    for metrics in (other, own):
        metrics.update(ended=True)
    assert (other.history, own.history) == ([], [0.5])


def test_a_metric_told_in_two_ways_counts_once(tmp_path):
    metrics = _metrics(tmp_path)
    (tmp_path / "run" / "output.log").write_text('{"loss": 1.0}\n{"loss": 2.0}\n')
    metrics.update()
    assert metrics.history == [1.0, 2.0]
    (tmp_path / "run" / "metrics.jsonl").write_text(
        '{"log": {"loss": 1.0}, "row": 0}\n{"log": {"loss": 3.0}, "row": 0}\n'
    )
    metrics.update()
    assert metrics.history == [3.0]  # one row, and W&B's calls come first
