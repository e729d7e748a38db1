"""Rank the proposed sites of a study, or of a result that `chongming-gis run` saved, by every method; write the table.

    python scripts/rank_sites.py [STUDY.toml | RESULT_FOLDER] [ranking.csv]

A program to copy from: each step is one call of the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chongming_gis import choosing, config, pipeline, results, sources


def main() -> None:
    """Rank the sites."""
    arguments = [Path(argument) for argument in sys.argv[1:]]
    given = arguments[0] if arguments else sources.embedded_study_path()
    path = arguments[1] if len(arguments) > 1 else Path("ranking.csv")
    result = results.load(given) if given.is_dir() else pipeline.run_study(config.read_study(given))
    table = choosing.rank_sites(result)
    results.write_table(table, path)
    for row in table.to_dict("records"):
        place = f"{row['rank:weighted_sum:by_hand']:3} {row['place_id']:30}"
        print(f"{row['proposal']:20} {place} first in {row['share_first']:.0%} of weights")
    print(path)


if __name__ == "__main__":
    main()
