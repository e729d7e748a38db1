"""``python -m chongming_gis`` is ``chongming-gis``."""

from chongming_gis.cli import main

if __name__ == "__main__":
    main()
