"""TensorBoard's event files, read without TensorBoard: tags and scalars."""

from __future__ import annotations

import struct
from collections.abc import Iterator

Field = tuple[int, int, "bytes | int"]


def scalars(content: bytes) -> Iterator[tuple[float, str, float]]:
    """Give times, tags and values in order; what is cut short at the end, because it is still written, is left out.

    The format: records of a length (8 bytes), its checksum (4), a protobuf Event and its checksum (4).
    """
    place = 0
    while place + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        record = content[place + 12 : place + 12 + length]
        place += 16 + length
        if place > len(content):
            return
        when = 0.0
        for number, kind, content_of in _fields(record):  # an Event: wall_time is field 1, its summary 5
            if number == 1 and kind == 1 and isinstance(content_of, bytes):
                (when,) = struct.unpack("<d", content_of)
            elif number == 5 and isinstance(content_of, bytes):
                for inner, _, value in _fields(content_of):
                    if inner == 1 and isinstance(value, bytes):
                        yield from ((when, tag, scalar) for tag, scalar in _scalar(value))


def _scalar(value: bytes) -> Iterator[tuple[str, float]]:
    """A Summary.Value: its tag is field 1, simple_value 2, tensor 8."""
    tag, number = "", None
    for name, kind, content in _fields(value):
        if name == 1 and isinstance(content, bytes):
            tag = content.decode(errors="replace")
        elif name == 2 and kind == 5 and isinstance(content, bytes):
            (number,) = struct.unpack("<f", content)
        elif name == 8 and isinstance(content, bytes):
            number = _tensor(content)
    if number is not None:
        yield tag, number


def _tensor(content: bytes) -> float | None:
    """A TensorProto of one float (dtype 1) or double (2): tensor_content is field 4, float_val 5, double_val 6."""
    kind = next((found for name, _, found in _fields(content) if name == 1), 0)
    for name, _, found in _fields(content):
        if name in {4, 5, 6} and isinstance(found, bytes):
            code = {1: "<f", 2: "<d"}.get(kind if isinstance(kind, int) else 0)
            if code and len(found) == struct.calcsize(code):
                return float(struct.unpack(code, found)[0])
    return None


def _fields(message: bytes) -> Iterator[Field]:
    """Give a protobuf message's fields: number, wire type, content."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            whole, place = _varint(message, place)
            yield number, kind, whole
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            return
        yield number, kind, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return value, place
