"""Several processes that make one store at the same moment all get it."""

import multiprocessing

from evenfit.errors import EvenfitError
from evenfit.store import open_store

PROCESSES, ROUNDS = 4, 12


def open_together(folders, gate, answers):
    for folder in folders:
        gate.wait()
        try:
            with open_store(folder):
                answers.put("")
        except EvenfitError as error:
            answers.put(str(error))


def test_a_new_store_can_be_opened_by_several_processes_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(PROCESSES), context.Queue()
    folders = [tmp_path / str(number) for number in range(ROUNDS)]
    opening = [context.Process(target=open_together, args=(folders, gate, answers)) for _ in range(PROCESSES)]
    for process in opening:
        process.start()
    said = [answers.get(timeout=60) for _ in range(PROCESSES * ROUNDS)]
    for process in opening:
        process.join(timeout=60)
    assert set(said) == {""}
