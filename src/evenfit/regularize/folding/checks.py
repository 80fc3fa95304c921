"""Checks in a forward: ``assert x.dim() == 4``, or ``if x.dim() != 4: raise ...``.

A trace cannot know what depends on data, but it need not know what decides only whether an error is raised: the model
was called and raised none.
"""

from __future__ import annotations

import dis
import types

RAISES = "RAISE_VARARGS"
LEAVES = ("RETURN", "YIELD", "RERAISE")


def checked_value(frame: types.FrameType) -> bool | None:
    """Give the truth that a frame asks for if its opposite leads to an error and nothing else, and else None."""
    steps = [step for step in dis.get_instructions(frame.f_code) if step.offset >= frame.f_lasti]
    asked = next((number for number, step in enumerate(steps) if step.opname.startswith("POP_JUMP")), None)
    if asked is None or any(step.opname not in {"CACHE", "TO_BOOL", "NOT_TAKEN", "COPY"} for step in steps[:asked]):
        return None
    jump = steps[asked]
    if not jump.opname.endswith(("IF_TRUE", "IF_FALSE")):
        return None
    jumps_if = jump.opname.endswith("IF_TRUE")
    if _only_raises(steps[asked + 1 :]):
        return jumps_if
    if _only_raises([step for step in steps if step.offset >= jump.argval]):
        return not jumps_if
    return None


def _only_raises(steps: list[dis.Instruction]) -> bool:
    """Whether a run of instructions comes to raising an error, whatever the data."""
    for step in steps:
        if step.opname == RAISES:
            return True
        if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs or step.opname.startswith(LEAVES):
            return False
    return False
