"""The pages' fixtures (toy result, browser) are those of the maps' tests."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("maps_fixtures", Path(__file__).parents[1] / "maps" / "conftest.py")
_maps = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_maps)

toy, toy_result, chromium, visit = _maps.toy, _maps.toy_result, _maps.chromium, _maps.visit
