"""Text of delimited values: its encoding, delimiter and quotes found, its faults named by line."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import polars as pl

from evenfit.data.cells import times
from evenfit.errors import DataError

DELIMITERS = (",", ";", "\t", "|", ":", " ")
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

_SAMPLE_LINES = 200
_CHUNK = 1 << 24  # bytes checked at a time
_LARGEST_CELL = (1 << 31) - 1  # characters


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text is delimited and quoted."""

    delimiter: str
    quote: str


def parse(data: bytes, *, name: str, delimiter: str | None = None, encoding: str | None = None) -> pl.DataFrame:
    r"""Read delimited text with a header into columns of text; empty cells are null.

    Args:
        data: the bytes of the file.
        name: of the file, for messages.
        delimiter: one character; None finds it.
        encoding: None finds it among UTF-8, UTF-16 and Windows-1252.

    Raises:
        DataError: says what is wrong, and in which line.

    >>> parse(b"a;b\n1;x\n2;y\n", name="ab.csv").to_dict(as_series=False)
    {'a': ['1', '2'], 'b': ['x', 'y']}
    """
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in "\r\n\"'"):
        raise DataError(f"delimiter must be one ASCII character, got {delimiter!r}")
    data = decode(data, name=name, encoding=encoding)
    if not data.strip():
        raise DataError(f"{name} must have a header and rows; it is empty")
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    said = re.match(rb"sep=([^\r\n])\r?\n", data)  # what spreadsheets write before the header
    if said:
        data, delimiter = data[said.end() :], delimiter or said[1].decode()
    head = _head(data)
    dialect = find_dialect(head, delimiter=delimiter)
    header = next(row for row in _rows(head, dialect) if row)
    _check_header(header, head, name, dialect, given=delimiter is not None)
    rows = _check_rows(data, len(header), name, dialect)
    if rows is None:
        try:
            return _plain_numbers(_fast(data, header, dialect), dialect)
        except pl.exceptions.PolarsError:  # quotes inside unquoted cells
            rows = _slow(data, len(header), name, dialect)
    if not rows:
        raise DataError(f"{name} must have rows; it has a header only ({times(len(header), 'column')})")
    columns = zip(*rows, strict=True)
    frame = pl.DataFrame(
        {title: pl.Series(cells, dtype=pl.String) for title, cells in zip(header, columns, strict=True)}
    )
    return _plain_numbers(frame.with_columns(pl.all().replace("", None)), dialect)


def decode(data: bytes, *, name: str, encoding: str | None = None) -> bytes:
    """The text in UTF-8, without a byte order mark.

    Raises:
        DataError: bytes that are none of the encoding, or NUL bytes, with their line and column.
    """
    for mark, marked in BYTE_ORDER_MARKS.items():
        if data.startswith(mark) and (encoding is None or encoding.lower().replace("_", "-").startswith(marked[:5])):
            encoding, data = marked, data[len(mark) :]
            break
    else:
        sample = data[:4096]
        if encoding is None and len(sample) >= 4 and sample.count(0) >= 0.3 * len(sample):
            encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    try:
        if encoding is None:
            try:
                data.decode("utf-8")
            except UnicodeDecodeError:
                data = _western(data, name)
        else:
            data = data.decode(encoding).encode()
    except LookupError as error:
        raise DataError(
            f"encoding must be one that Python knows, such as 'utf-8' or 'cp1252'; got {encoding!r}"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} must be {encoding} text; byte 0x{error.object[error.start]:02x} at "
            f"{_place(data, error.start)} is not; give its encoding"
        ) from error
    if b"\0" in data:
        raise DataError(
            f"{name} must be text; it has a NUL byte at {_place(data, data.index(0))} "
            "(a damaged or a binary file?); remove it or export the table again"
        )
    return data


def find_dialect(head: bytes, *, delimiter: str | None = None) -> Dialect:
    """Find the delimiter that cuts the first lines into the same number of cells, and the quote.

    Of those that do so equally well, the one that makes more cells wins.
    """
    text = head.decode("utf-8", "replace")
    quote = '"'
    if '"' not in text and re.search(r"(^|[,;\t|])'[^'\n]*'([,;\t|\r]|$)", text, flags=re.MULTILINE):
        quote = "'"
    if delimiter is not None:
        return Dialect(delimiter=delimiter, quote=quote)
    best, best_worth = ",", (0.0, 0)
    for candidate in DELIMITERS:
        widths = [len(row) for row in _rows(head, Dialect(delimiter=candidate, quote=quote)) if row]
        if widths[0] < 2:
            continue
        worth = (round(widths.count(widths[0]) / len(widths), 2), widths[0])
        # A space or a colon inside words must not outdo a proper delimiter that is merely ragged once.
        if worth > best_worth and (candidate not in ": " or worth[0] == 1.0 > best_worth[0]):
            best, best_worth = candidate, worth
    return Dialect(delimiter=best, quote=quote)


def _western(data: bytes, name: str) -> bytes:
    try:
        return data.decode("cp1252").encode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} must be text in UTF-8, UTF-16 or Windows-1252; byte 0x{data[error.start]:02x} at "
            f"{_place(data, error.start)} is in none of them; give its encoding"
        ) from error


def _place(data: bytes, position: int) -> str:
    line = data.count(b"\n", 0, position) + 1
    start = data.rfind(b"\n", 0, position) + 1
    return f"line {line:,}, byte {position - start + 1:,}"


def _head(data: bytes) -> bytes:
    """The first lines, whole ones."""
    end = 0
    for _ in range(_SAMPLE_LINES):
        end = data.find(b"\n", end) + 1
        if not end:
            return data
    return data[:end]


@contextmanager
def _long_cells() -> Iterator[None]:
    """Lift the csv module's limit of 128 KB a cell, and put it back, since it is that of the whole program."""
    usual = csv.field_size_limit(_LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


@_long_cells()
def _rows(data: bytes, dialect: Dialect) -> list[list[str]]:
    text = io.StringIO(data.decode("utf-8", "replace"), newline="")
    return list(csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote))


def _check_header(header: list[str], head: bytes, name: str, dialect: Dialect, *, given: bool) -> None:
    header[:] = [" ".join(title.split()) or f"column_{position}" for position, title in enumerate(header, 1)]
    if len(header) == 1:
        other = find_dialect(head)
        widest = len(next(row for row in _rows(head, other) if row))
        if given and widest > 1:
            raise DataError(
                f"{name} must have at least two columns; delimiter {dialect.delimiter!r} gives one, "
                f"{other.delimiter!r} would give {widest}"
            )
    twice = sorted({title for title in header if header.count(title) > 1})
    if twice:
        hint = "; is the header missing?" if all(re.fullmatch(r"[-+.\de]+", title) for title in header) else ""
        raise DataError(
            f"{name} must name each column once; {', '.join(map(repr, twice[:5]))} "
            f"{'comes' if len(twice) == 1 else 'come'} more than once in line 1{hint or '; rename them'}"
        )


def _check_rows(data: bytes, width: int, name: str, dialect: Dialect) -> list[list[str]] | None:
    """Check that all rows are as wide as the header: None if they are and the fast parser will do, else the rows."""
    return None if _is_even(data, width, dialect) else _slow(data, width, name, dialect)


@_long_cells()
def _slow(data: bytes, width: int, name: str, dialect: Dialect) -> list[list[str]]:
    """The rows below the header, read one by one: with blank lines and stray quotes, and a place for each fault."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote)
    rows: list[list[str]] = []
    line = 0
    try:
        for row in reader:
            if len(row) == width and (width > 1 or row[0]):
                rows.append(row)
            elif row and (len(row) > 1 or row[0].strip()):
                raise DataError(_uneven(row, width, name, dialect, first=line + 1, last=reader.line_num))
            line = reader.line_num
    except csv.Error as error:
        raise DataError(f"{name} cannot be read from line {line + 1:,} on: {error}; is a quote left open?") from error
    return rows[1:]


def _uneven(row: list[str], width: int, name: str, dialect: Dialect, *, first: int, last: int) -> str:
    if last > first and any("\n" in cell for cell in row):
        return f"{name}: a quote ({dialect.quote}) opened in line {first:,} must be closed in its cell; close it"
    return (
        f"{name} must have {times(width, 'cell')} in every row, as in its header; line {first:,} has {len(row)} "
        f"(delimiter {dialect.delimiter!r}); correct the line, or give another delimiter"
    )


def _is_even(data: bytes, width: int, dialect: Dialect) -> bool:
    """Whether, by counting alone, every record has as many delimiters as the header, and there are at least two."""
    codes = np.frombuffer(data, np.uint8)
    delimiter, quote = ord(dialect.delimiter), ord(dialect.quote)
    quoted = dialect.quote.encode() in data
    inside, pending, records, last = False, 0, 0, 10
    for start in range(0, len(codes), _CHUNK):
        chunk = codes[start : start + _CHUNK]
        ends, cuts = chunk == 10, chunk == delimiter
        if quoted:
            open_ = np.logical_xor.accumulate(chunk == quote) ^ inside
            inside = bool(open_[-1])
            ends &= ~open_
            cuts &= ~open_
        places = np.flatnonzero(ends)
        if (chunk[places] == np.where(places > 0, chunk[places - 1], last)).any():
            return False  # a blank line
        before = np.searchsorted(np.flatnonzero(cuts), places)
        if len(places):
            counts = np.diff(before, prepend=0)
            counts[0] += pending
            if (counts != width - 1).any():
                return False
            pending = int(cuts.sum()) - int(before[-1])
        else:
            pending += int(cuts.sum())
        records += len(places)
        last = int(chunk[-1])
    if last != 10:
        records += 1
        if pending != width - 1:
            return False
    return not inside and records > 1 and b"\n\r\n" not in data and (width > 1 or not quoted)


def _fast(data: bytes, header: list[str], dialect: Dialect) -> pl.DataFrame:
    frame = pl.read_csv(
        data, separator=dialect.delimiter, quote_char=dialect.quote, has_header=True, infer_schema=False
    )
    frame.columns = header
    # An empty cell in quotes is as empty as one without.
    return frame.with_columns(pl.all().replace("", None)) if dialect.quote.encode() in data else frame


def _plain_numbers(frame: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """With a decimal point where all numbers of a column have a decimal comma ("1.234,5")."""
    if dialect.delimiter == ",":
        return frame
    number = r"^\s*([-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?)?\s*$"
    commas = [
        series.name
        for series in frame
        if series.head(_SAMPLE_LINES).str.contains(number).all()
        and series.str.contains(",", literal=True).any()
        and series.str.contains(number).all()
    ]
    return frame.with_columns(pl.col(commas).str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
