"""Files as tables."""

import bz2
import difflib
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from evenfit.data import delimited
from evenfit.data.cells import tidy
from evenfit.data.frames import to_polars
from evenfit.errors import DataError

_OPENERS = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
    b"BZh": ("bzip2", bz2.decompress),
}
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = b"PK\x03\x04"
_BROKEN_ARCHIVE = (  # what an npz raises that is cut, holds objects, needs a password, or claims more than fits
    *(ValueError, OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, MemoryError),
)


def read(path: str | Path, *, delimiter: str | None = None, encoding: str | None = None) -> pl.DataFrame:
    r"""Read a table: delimited text with a header, perhaps compressed (gzip, xz, bzip2, zstd), Parquet, Arrow, or npz.

    What a file is, its first bytes say, not its name. Of text, the delimiter, quotes and encoding are found; columns of
    numbers become numbers, and missing marks ("", "NA", "?", ...) become nulls. Of an npz, X becomes the columns x0,
    x1, ... and y the column target.

    Args:
        path: the file.
        delimiter: of text, one character; None finds it.
        encoding: of text; None finds it among UTF-8, UTF-16 and Windows-1252.

    Raises:
        DataError: the file cannot be read as a table; one line says why, where, and what to do.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rooms.csv"
    ...     _ = path.write_text("size;price\n20;1.5\n35;?\n")
    ...     read(path).to_dict(as_series=False)
    {'size': [20, 35], 'price': [1.5, None]}
    """
    path = Path(path)
    data = _bytes(path)
    name = str(path)
    if data.startswith(b"PAR1"):
        return _checked(_columnar(data, pl.read_parquet, name, "Parquet"), name)
    if data.startswith(b"ARROW1"):
        return _checked(_columnar(data, pl.read_ipc, name, "Arrow"), name)
    if data.startswith(_ZIP):
        return _checked(_npz(data, name), name)
    text = _unpacked(data, name)
    frame = delimited.parse(text, name=name, delimiter=delimiter, encoding=encoding)
    return frame.with_columns(tidy(series) for series in frame)


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise DataError(f"a table must be a file; {path} is a folder")
        if not path.exists():
            raise DataError(f"there is no file {path}{_near(path)}")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if not data:
        raise DataError(f"{path} must have a header and rows; it is empty")
    return data


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {folder} either"
    near = difflib.get_close_matches(path.name, [other.name for other in folder.iterdir() if other.is_file()], n=1)
    return f"; did you mean {folder / near[0]}?" if near else ""


def _unpacked(data: bytes, name: str) -> bytes:
    for mark, (kind, unpack) in _OPENERS.items():
        if data.startswith(mark):
            try:
                return unpack(data)
            except (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error) as error:
                raise DataError(
                    f"{name} is damaged {kind}: {error}; it may have been cut short, copy or download it again"
                ) from error
    if data.startswith(_ZSTD):
        try:
            lines = pl.read_csv(
                data, separator="\x01", quote_char=None, has_header=False, infer_schema=False, new_columns=["line"]
            )
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{name} is damaged zstd; it may have been cut short, copy or download it again") from error
        return "\n".join(line or "" for line in lines["line"]).encode()
    return data


def _columnar(data: bytes, reader: Callable[[bytes], pl.DataFrame], name: str, kind: str) -> pl.DataFrame:
    try:
        return reader(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{name} is damaged {kind}: {reason}; copy or export it again") from error


def _npz(data: bytes, name: str) -> pl.DataFrame:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            names = list(arrays.files)
            if "X" in names and "y" in names:
                X, y = arrays["X"], arrays["y"]
    except _BROKEN_ARCHIVE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{name} cannot be read as npz: {reason}; arrays of numbers are wanted, without pickle"
        ) from error
    if not {"X", "y"} <= set(names):
        other = ""
        if any(held.startswith("xl/") for held in names):
            other = " (a spreadsheet? export it as CSV)"
        elif any(held.lower().endswith((".csv", ".tsv", ".txt", ".parquet")) for held in names):
            other = " (an archive: unpack it)"
        raise DataError(f"{name} must hold arrays X and y; it holds {', '.join(names[:8]) or 'nothing'}{other}")
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise DataError(
            f"{name} must hold X [rows, columns] and y [rows]; they are {list(X.shape)} and {list(y.shape)}"
        )
    return to_polars(X).with_columns(to_polars(y[:, None], columns=["target"])["target"])


def _checked(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    if frame.is_empty():
        raise DataError(f"{name} must have rows; it has none")
    return frame
