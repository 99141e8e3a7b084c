"""Circuit files of other people: what is wrong with them is told, and what they would write is not written."""

import os
import subprocess
import sys

import pytest

from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder, Session, inspect, source_files
from gridstudio.errors import InputError


def test_missing_master_file_is_told_by_name(tmp_path):
    with pytest.raises(InputError, match=r"There is no circuit at .*nowhere\.dss"):
        inspect(Feeder("x", tmp_path / "nowhere.dss"))


@pytest.mark.parametrize("ending", ["", "solve\n"])
def test_syntax_error_is_told_with_file_and_line(write_circuit, ending):
    path = write_circuit("clear\nnew circuit.c\nnew line.l1 bus1=sourcebus bus3=b\n" + ending)
    with pytest.raises(InputError, match=r"(?i)bus3.*master\.dss, line 3"):
        inspect(Feeder("c", path))


@pytest.mark.parametrize("ending", ["", "solve\n"])
def test_syntax_error_of_an_included_file_names_that_file(write_circuit, ending):
    write_circuit("! lines\nnew line.l1 linecode=none_such bus1=sourcebus bus2=b\n", "lines.dss")
    path = write_circuit("clear\nnew circuit.c\nredirect lines.dss\n" + ending)
    with pytest.raises(InputError, match=r"(?i)none_such.*lines\.dss, line 2"):
        inspect(Feeder("c", path))


def test_missing_included_file_is_told(write_circuit):
    path = write_circuit("clear\nnew circuit.c\nredirect gone.dss\nsolve\n")
    with pytest.raises(InputError, match=r"gone\.dss"):
        inspect(Feeder("c", path))


def test_file_without_circuit_is_told(write_circuit):
    with pytest.raises(InputError, match=r"defines no circuit"):
        inspect(Feeder("c", write_circuit("! nothing here\n")))


def test_refused_command_of_a_study_is_told(circuit):
    with pytest.raises(InputError, match=r"'new nonsense\.x'.*after master\.dss"):
        inspect(circuit("", "new nonsense.x"))


def test_unknown_control_mode_is_told(tmp_path):
    with pytest.raises(InputError, match=r"'time'.*'static' or 'off'"):
        Feeder("x", tmp_path / "master.dss", controls="time")


WRITES = """
solve
show voltages ln nodes
Export Voltages voltages_of_the_author.csv
export currents
exp powers
save circuit dir=saved
set datapath=made
plot circuit
dump
new monitor.m element=line.feed terminal=1
new energymeter.e element=line.feed
set mode=yearly number=48
solve
export monitors m
/* show taps
export taps taps.csv */
closedi
"""


def test_nothing_is_written_but_to_scratch(circuit, tmp_path, monkeypatch):
    feeder = circuit()
    feeder.master.write_text(feeder.master.read_text() + WRITES)
    before = sorted(tmp_path.rglob("*"))
    elsewhere = tmp_path.parent / f"{tmp_path.name}_cwd"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    flow = Session(feeder).solve([((), Scenario())])
    assert flow.converged.all()
    assert sorted(tmp_path.rglob("*")) == before
    assert list(elsewhere.iterdir()) == []
    assert os.getcwd() == str(elsewhere)


def test_scratch_is_removed_with_the_session(circuit, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    session = Session(circuit())
    assert len(list(tmp_path.glob("gridstudio-*"))) == 1
    del session
    assert list(tmp_path.glob("gridstudio-*")) == []


def test_working_directory_stays_where_it_is_from_the_first_import(ieee123, tmp_path):
    """The engine's first context moves the directory of a process that has not asked it not to."""
    code = (
        "import os; before = os.getcwd()\n"
        "from pathlib import Path; from gridstudio.engine import Feeder, Session\n"
        f"Session(Feeder('x', Path({str(ieee123.master)!r})))\n"
        "assert os.getcwd() == before, os.getcwd()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_solve_stay_in_force(circuit):
    feeder = circuit("edit load.town model=1")
    feeder.master.write_text(feeder.master.read_text() + "solve loadmult=0.5\n")
    assert Session(feeder).solve([((), Scenario())]).served_kw[0, 0] == pytest.approx(300, rel=1e-4)


@pytest.mark.parametrize("mode", ["daily", "yearly", "dutycycle", "monte1", "faultstudy"])
def test_mode_of_the_master_file_does_not_matter(circuit, mode):
    plain = Session(circuit()).solve([((), Scenario(load_scale=(1.0, 0.8)))])
    feeder = circuit()
    feeder.master.write_text(feeder.master.read_text() + f"set mode={mode} number=24 hour=7\nsolve\n")
    assert (Session(feeder).solve([((), Scenario(load_scale=(1.0, 0.8)))]).v_pu == plain.v_pu).all()


def test_a_file_gives_the_same_with_and_without_a_solve(circuit):
    """With it the file is read line by line, without as a whole: comments, continued lines and paths included."""
    more = (
        "/* new load.commented bus1=end kw=1\n*/\n"
        "new load.second bus1=end ! a comment\n~ kv=4.16 kw=100 // another\n~ kvar=40\n"
        "redirect 'sub dir/more.dss'\n"
    )
    feeder = circuit(more)
    folder = feeder.master.parent / "sub dir"
    folder.mkdir()
    (folder / "more.dss").write_text("new load.third bus1=end kv=4.16 kw=50 kvar=(20)\nredirect deeper.dss\n")
    (folder / "deeper.dss").write_text("new load.fourth bus1=end kv=4.16 kw=25\n")
    whole, _ = inspect(feeder)
    feeder.master.write_text(feeder.master.read_text() + "solve\n")
    by_line, _ = inspect(feeder)
    assert list(whole.loads["load"]) == ["town", "second", "third", "fourth"]
    assert by_line.loads.equals(whole.loads)


def test_data_files_are_found_beside_the_file_that_names_them(circuit):
    feeder = circuit("new loadshape.s npts=3 interval=1 csvfile=curve.csv\nbuscoords places.csv")
    feeder.master.with_name("curve.csv").write_text("1\n2\n3\n")
    feeder.master.with_name("places.csv").write_text("source,1,2\nend,3,4\n")
    feeder.master.write_text(feeder.master.read_text() + "solve\nbuscoords places.csv\n")
    network, _ = inspect(feeder)
    assert dict(zip(network.buses["bus"], network.buses["x"], strict=True)) == {"source": 1, "end": 3}


def test_commands_of_a_study_take_paths_relative_to_the_master_file(model):
    feeder = model("ieee13", "redirect candidates.dss")
    network, _ = inspect(feeder)
    assert "bess_671" in set(network.generators["generator"])
    assert [path.name for path in source_files(feeder.master, feeder.commands)][-1] == "candidates.dss"


def test_source_files_are_those_included(ieee123):
    names = {path.name for path in source_files(ieee123.master)}
    assert names == {path.name for path in ieee123.master.parent.iterdir()} - {"README.md", "candidates.dss"}


def test_file_in_another_encoding_is_read(circuit):
    feeder = circuit()
    text = feeder.master.read_text() + "! Länge der Leitung\nsolve\n"
    feeder.master.write_bytes(text.encode("cp1252"))
    assert Session(feeder).solve([((), Scenario())]).converged.all()
