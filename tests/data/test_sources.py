"""Files: what can be read is, and what cannot is refused in one line that says where and what to do."""

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.data.delimited import parse
from evenfit.data.sources import read
from evenfit.errors import DataError

PLAIN = "size,kind\n1,x\n2,y\n"


def read_bytes(folder, content, *, name="table.csv", **options):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, **options)


def zipped(name):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, PLAIN)
    return held.getvalue()


def locked(archive):
    """The archive as one that needs a password: its entries say so, in both of their places."""
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), archive):
            place = found.start() + flags
            archive = archive[:place] + bytes([archive[place] | 1]) + archive[place + 1 :]
    return archive


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\n\n"),
        "\n" + PLAIN.replace("\n", "\r\n\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", " "),
        PLAIN.replace(",", ", "),
        '"size","kind"\n"1","x"\n"2","y"\n',
        "size,kind\n1,'x'\n2,'y'\n",
        "\ufeff" + PLAIN,
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        gzip.compress(PLAIN.encode()),
        lzma.compress(PLAIN.encode()),
        bz2.compress(PLAIN.encode()),
    ],
)
def test_the_same_table_is_read_from_every_dress(tmp_path, content):
    assert read_bytes(tmp_path, content).to_dict(as_series=False) == {"size": [1, 2], "kind": ["x", "y"]}


def test_quotes_hold_delimiters_line_breaks_and_quotes(tmp_path):
    frame = read_bytes(tmp_path, 'a,b\n"x, ""y""",1\n"l\nm",2\n')
    assert frame["a"].to_list() == ['x, "y"', "l\nm"]


def test_a_cell_may_be_long_and_the_csv_module_keeps_its_limit(tmp_path):
    usual = csv.field_size_limit()
    frame = read_bytes(tmp_path, f"a,b\n{'x' * 200_000},1\n\ny,2\n")
    assert frame["a"].str.len_chars().to_list() == [200_000, 1]
    assert csv.field_size_limit() == usual


def test_names_are_one_line_and_never_empty(tmp_path):
    assert read_bytes(tmp_path, '" price\n(EUR)",,b\n1,2,3\n').columns == ["price (EUR)", "column_2", "b"]


def test_stray_quotes_are_part_of_the_text(tmp_path):
    assert read_bytes(tmp_path, 'a,b\n5" pipe,1\n5" by 6",2\n')["a"].to_list() == ['5" pipe', '5" by 6"']


@given(
    cells=st.lists(
        st.tuples(st.text(alphabet='ab,;"\n é😀\t|', max_size=8), st.text(alphabet='xy,"\n', max_size=5)),
        min_size=1,
        max_size=9,
    )
)
def test_what_polars_writes_is_read_back(cells):
    frame = pl.DataFrame({"first": [a for a, _ in cells], "second": [f"b{b}" for _, b in cells]})
    again = parse(frame.write_csv(quote_style="always").encode(), name="table.csv")
    wanted = frame.with_columns(pl.all().replace("", None))
    assert again.columns == frame.columns
    assert again["second"].to_list() == wanted["second"].to_list()
    assert again["first"].to_list() == wanted["first"].to_list()


def test_other_encodings_are_found_or_given(tmp_path):
    text = "ville;prix\nOrléans;3\n"
    assert read_bytes(tmp_path, text.encode("cp1252"))["ville"][0] == "Orléans"
    assert read_bytes(tmp_path, text.encode("mac-roman"), encoding="mac-roman")["ville"][0] == "Orléans"


def test_emoji_are_names_and_values(tmp_path):
    assert read_bytes(tmp_path, "😀,b\n🎉,1\n").to_dict(as_series=False) == {"😀": ["🎉"], "b": [1]}


def test_missing_marks_become_nulls_and_numbers_numbers(tmp_path):
    frame = read_bytes(tmp_path, "a,b,c,d,e\n1,?,NA,x,0123\n,2.5,NaN,-,0456\n-,1e3,null,none,0789\n")
    assert frame.to_dict(as_series=False) == {
        "a": [1, None, None],
        "b": [None, 2.5, 1000.0],
        "c": [None, None, None],
        "d": ["x", "-", "none"],  # among words these are words
        "e": ["0123", "0456", "0789"],  # numbers that are names
    }


def test_decimal_commas_thousands_currencies_and_percents_are_numbers(tmp_path):
    frame = read_bytes(tmp_path, "a;b\n1,5;1.234,5\n2;7,25\n")
    assert frame.to_dict(as_series=False) == {"a": [1.5, 2.0], "b": [1234.5, 7.25]}
    frame = read_bytes(tmp_path, 'a,b,c\n"$1,200",12%,€3.50\n$7,3.5%,€1\n')
    assert frame.to_dict(as_series=False) == {"a": [1200, 7], "b": [12.0, 3.5], "c": [3.5, 1.0]}


def test_parquet_arrow_and_npz_are_known_by_their_bytes(tmp_path):
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    for write in (frame.write_parquet, frame.write_ipc):
        write(tmp_path / "table.bin")
        assert read(tmp_path / "table.bin").equals(frame)
    frame = read_bytes(tmp_path, npz(X=np.eye(2), y=np.array(["u", "v"])), name="table.npz")
    assert frame.to_dict(as_series=False) == {"x0": [1.0, 0.0], "x1": [0.0, 1.0], "target": ["u", "v"]}


PACKED = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "must have a header and rows; it is empty"),
        (" \n\n", {}, "must have a header and rows; it is empty"),
        ("a,b\n", {}, "must have rows; it has a header only (2 columns)"),
        ("a,b\n\n", {}, "must have rows; it has a header only (2 columns)"),
        ("a,b\n1,2\n", {"delimiter": ";"}, "must have at least two columns; delimiter ';' gives one, ',' would give 2"),
        ("a,b\n1,2\n", {"delimiter": ";;"}, "delimiter must be one ASCII character, got ';;'"),
        ("a,b,a\n1,2,3\n", {}, "must name each column once; 'a' comes more than once in line 1; rename them"),
        (
            "1,2,1\n1,2,3\n",
            {},
            "must name each column once; '1' comes more than once in line 1; is the header missing?",
        ),
        (
            "a,b,c\n1,2,3\n1,2\n",
            {},
            "must have 3 cells in every row, as in its header; line 3 has 2 (delimiter ','); "
            "correct the line, or give another delimiter",
        ),
        (
            'a,b\n"l\nm",2\n1,2,3,4\n',
            {},
            "must have 2 cells in every row, as in its header; line 4 has 4 (delimiter ','); "
            "correct the line, or give another delimiter",
        ),
        ('a,b\n1,2\n"x,2\ny,4\n', {}, ': a quote (") opened in line 3 must be closed in its cell; close it'),
        (b"a,b\n1,x\n2,\0y\n", {}, "must be text; it has a NUL byte at line 3, byte 3"),
        (b"a,b\n1,\x81\n", {}, "in UTF-8, UTF-16 or Windows-1252; byte 0x81 at line 2, byte 3 is in none of them"),
        (b"a,b\n1,\xe9\n", {"encoding": "utf-8"}, "must be utf-8 text; byte 0xe9 at line 2, byte 3 is not"),
        ("a,b\n1,2\n", {"encoding": "klingon"}, "encoding must be one that Python knows"),
        (PACKED[:-12], {}, "is damaged gzip: Compressed file ended before the end-of-stream marker was reached"),
        (PACKED[:12], {}, "is damaged gzip"),
        (lzma.compress(PLAIN.encode() * 99)[:-20], {}, "is damaged xz"),
        (bz2.compress(PLAIN.encode() * 99)[:-5], {}, "is damaged bzip2"),
        (b"\x28\xb5\x2f\xfd" + b"no frame", {}, "is damaged zstd"),
        (b"PAR1 and no more", {}, "is damaged Parquet"),
        (b"ARROW1 and no more", {}, "is damaged Arrow"),
        (npz(X=np.eye(2), y=np.ones(2))[:-40], {}, "cannot be read as npz"),
        (npz(X=np.eye(2), y=np.array([{}, {}])), {}, "cannot be read as npz: Object arrays cannot be loaded"),
        (npz(a=np.eye(2)), {}, "must hold arrays X and y; it holds a"),
        (zipped("table.csv"), {}, "it holds table.csv (an archive: unpack it)"),
        (zipped("xl/book.xml"), {}, "it holds xl/book.xml (a spreadsheet? export it as CSV)"),
        (locked(npz(X=np.eye(2), y=np.ones(2))), {}, "cannot be read as npz"),
        (npz(X=np.zeros((2, 2, 2)), y=np.ones(2)), {}, "they are [2, 2, 2] and [2]"),
        (npz(X=np.zeros((2, 2)), y=np.ones(3)), {}, "they are [2, 2] and [3]"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path, content, options, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_bytes(tmp_path, content, **options)
    assert "\n" not in str(caught.value)
    assert "delimiter must" in message or "encoding must" in message or "table.csv" in str(caught.value)


def test_a_missing_file_suggests_the_nearest_name(tmp_path):
    (tmp_path / "houses.csv").write_text(PLAIN)
    with pytest.raises(DataError, match=r"there is no file .*house\.csv; did you mean .*houses\.csv\?$"):
        read(tmp_path / "house.csv")
    with pytest.raises(DataError, match=r"there is no folder .*nowhere either$"):
        read(tmp_path / "nowhere" / "house.csv")
    with pytest.raises(DataError, match=r"a table must be a file; .* is a folder$"):
        read(tmp_path)


def test_a_file_of_one_column_is_read_since_rows_to_predict_may_have_no_more(tmp_path):
    assert read_bytes(tmp_path, "a\n1\n2\n")["a"].to_list() == [1, 2]


@given(content=st.binary(max_size=60))
def test_whatever_the_bytes_the_answer_is_a_table_or_one_line(content, tmp_path_factory):
    try:
        frame = read_bytes(tmp_path_factory.getbasetemp(), content)
    except DataError as error:
        message = str(error)
    else:
        message = ""
        assert frame.height
        assert frame.width
    assert "\n" not in message
