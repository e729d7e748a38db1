"""Write the report of a result that `chongming-gis run` saved, without computing anything again.

    python scripts/build_report.py RESULT_FOLDER [FOLDER] [zh|en]

A program to copy from: each step is one call of the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chongming_gis import reports, results


def main() -> None:
    """Write report.html."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    result = results.load(sys.argv[1])
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(sys.argv[1])
    language = "en" if "en" in sys.argv[3:] else "zh"
    folder.mkdir(parents=True, exist_ok=True)
    print(reports.write_report(result, folder, language=language))


if __name__ == "__main__":
    main()
