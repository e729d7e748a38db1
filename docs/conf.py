"""Sphinx: ``pip install -e ".[docs]" && sphinx-build docs docs/_build``."""

project = "chongming_gis"
extensions = ["myst_parser"]
root_doc = "index"
language = "en"
exclude_patterns = ["_build"]
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository outside docs/
