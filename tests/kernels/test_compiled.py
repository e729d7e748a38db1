"""Compiled code is kept between runs wherever a folder is writable, and the program works where none is."""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import pytest

import chongming_gis
from chongming_gis.errors import KernelCacheWarning
from chongming_gis.kernels import compiled as module

PACKAGE = Path(chongming_gis.__file__).parent
ASK = """
from chongming_gis.kernels import paths
assert paths.along_edge(100.0, 40.0, 0.25, 0.75) == 50.0
stats = paths.along_edge.stats
print("hits", sum(stats.cache_hits.values()), "misses", sum(stats.cache_misses.values()))
"""


def run(environment, *, package_root=PACKAGE.parent):
    """Compile one kernel in a process of its own; what it printed and warned."""
    kept = {k: v for k, v in os.environ.items() if k not in {"NUMBA_CACHE_DIR", "PYTHONWARNINGS"}}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**kept, "PYTHONPATH": str(package_root), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd=package_root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


def test_a_second_process_takes_the_code_that_the_first_compiled(tmp_path):
    printed, _ = run({"NUMBA_CACHE_DIR": str(tmp_path)})
    assert printed == ["hits", "0", "misses", "1"]
    assert [path.suffix for path in sorted(tmp_path.rglob("*along_edge*"))] == [".nbc", ".nbi"]
    printed, warned = run({"NUMBA_CACHE_DIR": str(tmp_path)})
    assert printed == ["hits", "1", "misses", "0"]
    assert warned == ""


@pytest.fixture
def package_in_stone(tmp_path):
    """A copy of the package with a file where its cache folder would be: not even the superuser can write there."""
    copy = tmp_path / "site" / "chongming_gis"
    for name in ("__init__.py", "errors.py", "findings.py", "kernels"):
        source = PACKAGE / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy / name)
    (copy / "kernels" / "__pycache__").write_text("in the way")
    return copy.parent


def test_where_no_folder_is_writable_kernels_work_and_warn_once(package_in_stone):
    nowhere = str(package_in_stone / "chongming_gis" / "__init__.py" / "home")
    printed, warned = run({"HOME": nowhere, "XDG_CACHE_HOME": nowhere}, package_root=package_in_stone)
    assert printed[:2] == ["hits", "0"]
    assert warned.count("KernelCacheWarning") == 1
    assert "NUMBA_CACHE_DIR" in warned


def test_a_package_that_cannot_be_written_keeps_its_code_in_the_user_s_cache(package_in_stone, tmp_path):
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache")}
    for expected in (["hits", "0", "misses", "1"], ["hits", "1", "misses", "0"]):
        printed, warned = run(home, package_root=package_in_stone)
        assert (printed, warned) == (expected, "")


def test_without_a_cache_many_kernels_warn_once(monkeypatch):
    """numba refuses ``cache=True`` with a RuntimeError where it finds no folder."""
    compile_ = numba.njit

    def no_locator(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return compile_(**options)

    monkeypatch.setattr(numba, "njit", no_locator)
    module.warn_once.cache_clear()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kernels = [module.compiled(lambda x: x + 1.0), module.compiled(lambda x: x * 2.0)]
    finally:
        module.warn_once.cache_clear()
    assert [kernel(3.0) for kernel in kernels] == [4.0, 6.0]
    assert [warning.category for warning in caught] == [KernelCacheWarning]


def test_kernels_release_the_interpreter_lock():
    """Without that, threads would only take turns."""
    from chongming_gis.kernels import catchments, paths, snapping

    for kernel in (paths.search, paths.nearest_source, catchments.pairs_within, snapping.nearest_segments):
        assert kernel.targetoptions["nogil"] is True
