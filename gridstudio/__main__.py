"""``python -m gridstudio``: the command line."""

from gridstudio.app.cli import script

script()
