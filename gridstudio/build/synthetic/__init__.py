"""A seeded synthetic utility as utility tables: substations, feeders, customers, resources, ties and years of outages.

``tables`` makes them, ``write`` puts them into a folder that the importer of utility tables reads.
"""

from gridstudio.build.synthetic.files import write
from gridstudio.build.synthetic.settings import SyntheticSettings
from gridstudio.build.synthetic.utility import tables

__all__ = ["SyntheticSettings", "tables", "write"]
