"""What tests of the command line share."""

import sys

import pytest

from gridstudio.app import cli


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder; gives exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["gridstudio", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call
