"""Write the overview and a coverage map of every service, of a study or of a result that `chongming-gis run` saved.

    python scripts/coverage_maps.py [STUDY.toml | RESULT_FOLDER] [FOLDER]

A program to copy from: each step is one call of the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chongming_gis import config, maps, pipeline, results, sources


def main() -> None:
    """Write the maps."""
    arguments = [Path(argument) for argument in sys.argv[1:]]
    given = arguments[0] if arguments else sources.embedded_study_path()
    folder = arguments[1] if len(arguments) > 1 else Path("coverage-maps")
    result = results.load(given) if given.is_dir() else pipeline.run_study(config.read_study(given))
    for path in maps.write_maps(result, folder):
        print(path)


if __name__ == "__main__":
    main()
