"""Makes the embedded Chongming study (data/boundaries, network, demand, facilities) out of the facts in data/sources.

python scripts/build_embedded_study.py            writes the files
python scripts/build_embedded_study.py --check    compares them with what would be written; exit code 1 if they differ
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from embedded import facts, shipped, study

DATA = Path(__file__).parent.parent / "data"


def main(arguments: list[str] | None = None) -> int:
    """Make the study, write or check it, and print how it compares with the facts."""
    parser = argparse.ArgumentParser(description="Make the embedded Chongming study out of data/sources.")
    parser.add_argument("--check", action="store_true", help="compare the shipped files instead of writing them")
    parser.add_argument("--data", type=Path, default=DATA, help="the data folder (default: the repository's)")
    chosen = parser.parse_args(arguments)
    known = facts.read_facts(DATA / "sources")
    made = study.make_study(known, print)
    if chosen.check:
        faults = shipped.differences(made, known, chosen.data)
        print("\n".join(faults) or "the shipped files are what this program makes")
        return 1 if faults else 0
    written = shipped.write_study(made, known, chosen.data)
    for path in written:
        print(f"{path.stat().st_size / 1e6:8.3f} MB  {path.relative_to(chosen.data)}")
    print(f"{sum(path.stat().st_size for path in written) / 1e6:8.3f} MB  in all")
    for name, table in study.figures(made, known).items():
        print(f"\n{name} {table.attrs or ''}\n{table.to_string(index=False, na_rep='')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
