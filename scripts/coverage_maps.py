"""Compute a study and write a coverage map of every service, without report or tables.

    python scripts/coverage_maps.py [STUDY.toml] [FOLDER]

A program to copy from: each step is one call of the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chongming_gis import config, maps, pipeline, sources


def main() -> None:
    """Write the maps."""
    arguments = [Path(argument) for argument in sys.argv[1:]]
    study_path = arguments[0] if arguments else sources.embedded_study_path()
    folder = arguments[1] if len(arguments) > 1 else Path("coverage-maps")
    result = pipeline.run_study(config.read_study(study_path))
    folder.mkdir(parents=True, exist_ok=True)
    for service in result.study.services:
        path = folder / f"{service.id}.html"
        maps.coverage(result, service.id).save(path)
        print(path)


if __name__ == "__main__":
    main()
