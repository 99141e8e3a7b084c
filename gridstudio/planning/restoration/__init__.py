"""Service restoration: which switches in which order bring back most customers, every state solved by a power flow."""

from gridstudio.planning.restoration.job import check, run
from gridstudio.planning.restoration.settings import RestorationSettings as Settings

__all__ = ["Settings", "check", "run"]
