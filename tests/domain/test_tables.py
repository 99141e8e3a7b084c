"""CSV tables of a study: what is read, and the one sentence that refuses what is not."""

import pytest

from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "some.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_cells_are_text_and_comments_are_left_out(written):
    table = read_table(written("# where from\nload, kw\n007,\nNA, 2\n"), "table", ("load",))
    assert table.to_dict("list") == {"load": ["007", "NA"], "kw": ["", "2"]}


def test_all_but_named_texts_are_numbers(written):
    table = read_table(written("line,kw\n007,1.5\n"), "table", ("line",), texts=("line",))
    assert table.to_dict("list") == {"line": ["007"], "kw": [1.5]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The table of trees .*some.csv cannot be read: No columns"),
        (b"height\n\xff\xfe\n", "The table of trees .*some.csv cannot be read: .*utf-8"),
        ("height;age\n1;2\n", "some.csv is separated by ';', save it with ','"),
        ("height\tage\n1\t2\n", "some.csv is separated by tabs, save it with ','"),
        ("age\n2\n", "some.csv: the table of trees has no column height, species"),
        ("height,species\n1,2\n1,2,3,4\n", "The table of trees .*some.csv cannot be read: .*line 3"),
    ],
)
def test_what_is_no_such_table_is_refused(written, text, said):
    with pytest.raises(InputError, match=said):
        read_table(written(text), "table of trees", ("height", "species"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"There is no table of trees .*none\.csv"):
        read_table(tmp_path / "none.csv", "table of trees", ())
