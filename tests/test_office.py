"""The office: an offline folder that installs itself and starts, and consoles whose encoding lacks a letter.

The folder is made with real wheels of what ``--version`` imports (packed again from what is installed here) and with
empty ones in place of the rest, so that no network and no large file is needed. Windows itself is not here: of its
starter the text is looked at.
"""

import importlib.metadata
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.parse
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chongming_gis import __version__, cli
from tests.test_cli import PEOPLE, PLACES, STUDY, roads

ROOT = Path(__file__).resolve().parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NEEDED = ("typer", "pip")  # with what they require: enough for --version
UNENCODABLE = "²•😀"  # not in GBK

_SPEC = importlib.util.spec_from_file_location("make_office_folder", ROOT / "scripts" / "make_office_folder.py")
office = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = office
_SPEC.loader.exec_module(office)


def write_wheel(folder, name, version, files, requires=()):
    """Write a wheel for any computer from the bytes of its files."""
    base = f"{name.replace('-', '_')}-{version}"
    told = [f"Requires-Dist: {text}\n" for text in requires]
    files = {
        **files,
        f"{base}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(told)}",
        f"{base}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{base}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{base}.dist-info/RECORD"])
    with zipfile.ZipFile(folder / f"{base}-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)


def pack_again(folder, name, *, with_files):
    """Write a wheel of an installed package, with its files or without."""
    found = importlib.metadata.distribution(name)
    kept = [path for path in found.files if path.suffix != ".pyc" and ".dist-info" not in path.parts[0]]
    kept = [path for path in kept if path.parts[0] != ".."] if with_files else []
    files = {path.as_posix(): path.locate().read_bytes() for path in kept}
    write_wheel(folder, name, found.version, files, found.requires or () if with_files else ())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with a wheel of everything that the project requires."""
    folder = tmp_path_factory.mktemp("wheels")
    asked, real = list(NEEDED), set()
    while asked:
        name = canonicalize_name(asked.pop())
        if name not in real:
            real.add(name)
            pack_again(folder, name, with_files=True)
            told = map(Requirement, importlib.metadata.requires(name) or ())
            asked += [r.name for r in told if r.marker is None or r.marker.evaluate({"extra": ""})]
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for name in {canonicalize_name(Requirement(text).name) for text in required} - real:
        pack_again(folder, name, with_files=False)
    return folder


@pytest.fixture(scope="module")
def folder(wheels, tmp_path_factory):
    """The offline folder for this computer, at a path with Chinese letters and blanks."""
    made = tmp_path_factory.mktemp("office") / "离线 安装 (2)" / "崇明"
    office.make_folder(made, office.TARGETS["here"], python=PYTHON, index=("--no-index", "--find-links", str(wheels)))
    return made


def start(folder, *arguments, **variables):
    """Start the folder as a terminal of an old office computer would: a GBK console, another current folder."""
    return subprocess.run(
        ["sh", str(folder / "开始.sh"), *arguments],
        cwd=folder.parent.parent,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


@pytest.fixture(scope="module")
def started(folder):
    """The first start: it installs."""
    return start(folder, "--version")


def test_the_first_start_installs_and_later_ones_do_not(folder, started):
    assert (started.returncode, started.stderr) == (0, "")
    assert "正在安装" in started.stdout
    assert started.stdout.splitlines()[-1] == f"chongming-gis {__version__}"
    again = start(folder, "--version")
    assert (again.returncode, again.stdout, again.stderr) == (0, f"chongming-gis {__version__}\n", "")


def test_the_embedded_study_comes_with_it(folder, started):
    found = list((folder / "env").rglob("_embedded/studies/chongming.toml"))
    assert len(found) == 1
    assert (found[0].parents[1] / "data" / "network" / "roads.parquet").exists()


def test_nothing_of_the_project_is_taken_from_elsewhere(folder, started):
    """The installed copy answers even where a faulty one is offered by PYTHONPATH."""
    wrong = folder.parent / "wrong" / "chongming_gis"
    wrong.mkdir(parents=True)
    (wrong / "__init__.py").write_text("raise SystemExit(9)", encoding="utf-8")
    assert start(folder, "--version", PYTHONPATH=str(wrong.parent)).returncode == 0


def test_a_moved_folder_installs_itself_anew(folder, started, tmp_path):
    moved = tmp_path / "移 动"
    shutil.copytree(folder, moved, symlinks=True)
    done = start(moved, "--version")
    assert done.returncode == 0
    assert "正在安装" in done.stdout
    assert str(moved) in (moved / "env" / "installed.txt").read_text(encoding="utf-8")


def test_a_damaged_file_is_named_before_anything_is_installed(folder, tmp_path):
    broken = tmp_path / "坏"
    shutil.copytree(folder, broken, ignore=shutil.ignore_patterns("env"))
    wheel = next((broken / "wheels").glob("typer-*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-100])
    next((broken / "wheels").glob("numpy-*.whl")).unlink()
    done = start(broken, "--version")
    assert done.returncode == 1
    assert wheel.name in done.stderr
    assert "numpy-" in done.stderr
    assert not (broken / "env").exists()


def test_another_computer_is_told_what_the_folder_is_for(folder, tmp_path):
    other = tmp_path / "win"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("env", "wheels"))
    (other / "made-for.json").write_text(
        '{"system": "Windows", "machines": ["AMD64"], "python": "3.11"}', encoding="ascii"
    )
    done = start(other)
    assert done.returncode == 1
    assert "Windows AMD64, Python 3.11" in done.stderr


def test_a_python_put_beside_is_unpacked_and_used(folder, tmp_path):
    """A stand-in: a script that says it was asked and hands over to the Python of the tests."""
    whole = tmp_path / "带 Python"
    shutil.copytree(folder, whole, ignore=shutil.ignore_patterns("env", "wheels"))
    home = tmp_path / "python" / "bin"
    home.mkdir(parents=True)
    (home / "python3").write_text(f'#!/bin/sh\n[ "$1" = -c ] || echo own\nexec "{sys.executable}" "$@"\n')
    (home / "python3").chmod(0o755)
    subprocess.run(["tar", "-czf", str(whole / "python.tar.gz"), "-C", str(tmp_path), "python"], check=True)
    assert start(whole, "--version").stdout.splitlines()[0] == "own"


def exec_words(entry):
    """What a desktop runs for an entry, by the specification: strings unescaped, words unquoted, %% is a percent."""
    line = re.search(r"^Exec=(.*)$", entry, re.MULTILINE).group(1).replace("\\\\", "\\")
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
    return [re.sub(r"\\(.)", r"\1", quoted).replace("%%", "%") or bare for quoted, bare in words]


@pytest.mark.parametrize("as_address", [False, True], ids=["path", "address"])
def test_the_desktop_entry_starts_from_wherever_the_folder_lies(folder, started, as_address):
    entry = folder / "开始.desktop"
    words = exec_words(entry.read_text(encoding="utf-8"))
    assert words[-1] == "%k"
    place = f"file://{urllib.parse.quote(str(entry))}" if as_address else str(entry)
    (folder / "study.toml").write_text("id = 1\n", encoding="utf-8")  # the stand-ins cannot run it: that is the end
    try:
        done = subprocess.run(
            [*words[:-1], place], cwd="/", input="\n", capture_output=True, encoding="utf-8", timeout=300
        )
    finally:
        (folder / "study.toml").unlink()
    assert "正在计算：study.toml" in done.stdout
    assert "No module named 'geopandas'" in done.stderr
    assert done.stdout.endswith("press Enter to close ")


def test_the_windows_starter_can_be_read_in_any_code_page(tmp_path):
    """ASCII, CRLF, no part in brackets that a path with a bracket would end, and the version filled in."""
    (tmp_path / "wheels").mkdir()
    office._write_starters(tmp_path, office.TARGETS["windows"], "3.11")
    content = (tmp_path / "开始.bat").read_bytes()
    text = content.decode("ascii")
    assert content.count(b"\n") == content.count(b"\r\n") > 20
    assert "@PYTHON@" not in text
    assert "py -3.11 start.py %*" in text
    assert not re.search(r"^\s*(if|for|else)\b.*\($", text, re.MULTILINE)
    labels = set(re.findall(r"^:(\w+)", text, re.MULTILINE))
    assert set(re.findall(r"goto (\w+)", text)) == labels - {"x"}
    note = (tmp_path / "README.txt").read_bytes()
    assert note.startswith("\ufeff崇明".encode())
    assert note.count(b"\n") == note.count(b"\r\n")
    assert not (tmp_path / "开始.sh").exists()


def test_what_only_windows_needs_is_missed_and_what_it_does_not_need_is_left_out(tmp_path):
    """pip on Linux judges "sys_platform == 'win32'" by Linux; the folder must not."""
    needs = ["a; sys_platform == 'win32'", "b; sys_platform != 'win32'", "c[more]", "d; extra == 'test'"]
    write_wheel(tmp_path, "chongming-gis", "1", {}, needs)
    write_wheel(tmp_path, "b", "1", {})
    write_wheel(tmp_path, "c", "1", {}, ["e>=2; extra == 'more'", "f; extra == 'other'"])
    write_wheel(tmp_path, "pip", "1", {})
    windows = {**office.TARGETS["windows"].markers, **office._python_markers("3.11")}
    missing, needless = office.missing_and_needless(tmp_path, windows)
    assert missing == ["a", "e>=2"]
    assert [path.name for path in needless] == ["b-1-py3-none-any.whl"]
    linux = {**office.TARGETS["uos-aarch64"].markers, **office._python_markers("3.11")}
    assert office.missing_and_needless(tmp_path, linux) == (["e>=2"], [])


def test_a_wheel_that_cannot_be_had_leaves_no_folder(tmp_path, wheels):
    few = tmp_path / "few"
    few.mkdir()
    with pytest.raises(SystemExit, match="pip download failed"):
        office.make_folder(
            tmp_path / "out", office.TARGETS["here"], python=PYTHON, index=("--no-index", "--find-links", str(few))
        )
    assert [path.name for path in tmp_path.iterdir()] == ["few"]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(SystemExit, match="holds something already"):
        office.make_folder(tmp_path, office.TARGETS["windows"], python="3.11")


COMMANDS = sorted(info.name or info.callback.__name__.replace("_", "-") for info in cli.app.registered_commands)


def in_gbk(monkeypatch, *arguments):
    """Run a command in this process on a GBK console: (exit code, what stands there)."""
    console = io.TextIOWrapper(io.BytesIO(), encoding="gbk")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "argv", ["chongming-gis", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    console.flush()
    return ended.value.code or 0, console.buffer.getvalue().decode("gbk")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The toy study of the command line, at a Chinese path, with letters in its names that GBK has not."""
    folder = tmp_path_factory.mktemp("gbk") / "研究 一"
    folder.mkdir()
    (folder / "roads.geojson").write_text(roads(), encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE.replace("西宅", f"西宅{UNENCODABLE}"), encoding="utf-8-sig")
    (folder / "places.csv").write_text(PLACES.replace("西街", f"西街{UNENCODABLE}"), encoding="utf-8-sig")
    named = STUDY.replace("示例区", f"示例区{UNENCODABLE}").replace('"助餐点"', f'"助餐点{UNENCODABLE}"')
    (folder / "study.toml").write_text(named, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown_on_a_gbk_console(name, monkeypatch):
    code, shown = in_gbk(monkeypatch, name, "--help")
    assert code == 0
    assert "--help" in shown


def test_check_run_map_report_and_compare_speak_on_a_gbk_console(toy, monkeypatch):
    """What GBK lacks is a question mark; the rest is there, and files are UTF-8 all the same."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(toy)
    assert in_gbk(monkeypatch, "check", "study.toml")[0] == 0
    code, shown = in_gbk(monkeypatch, "run", "study.toml", "--out", "结果 一")
    assert code == 0
    assert "助餐点???" in shown
    assert "57.1%" in shown
    for command in (
        ("map", "结果 一", "--out", "图"),
        ("report", "结果 一", "--out", "又"),
        ("compare", "结果 一", "结果 一"),
    ):
        code, shown = in_gbk(monkeypatch, *command)
        assert code == 0, command
        assert "图" in shown or "又" in shown or "chongming-compare" in shown
    page = (toy / "结果 一" / "report.html").read_text(encoding="utf-8")
    assert f"助餐点{UNENCODABLE}" in page


def test_site_rank_and_deliver_say_what_is_missing_on_a_gbk_console(toy, monkeypatch, capfd):
    monkeypatch.chdir(toy)
    assert in_gbk(monkeypatch, "run", "study.toml", "--out", "甲", "--quiet")[0] == 0
    for command in (("site", "甲"), ("rank", "甲"), ("deliver", "study.toml")):
        assert in_gbk(monkeypatch, *command)[0] == cli.FAULT


def test_a_program_of_its_own_on_a_gbk_console(toy):
    """The whole way: encoding from outside, output into a file, names that GBK lacks."""
    done = subprocess.run(
        [sys.executable, "-m", "chongming_gis", "check", "study.toml", "--out", "核对"],
        cwd=toy,
        env={**os.environ, "PYTHONIOENCODING": "gbk", "PYTHONUTF8": "0", "COLUMNS": "160"},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode("gbk", errors="replace")
    assert "示例区???" in done.stdout.decode("gbk")


def test_the_page_tells_the_program_s_own_options():
    """docs/install-office.md: each command names the script, and its targets and options are there."""
    page = (ROOT / "docs" / "install-office.md").read_text(encoding="utf-8")
    commands = re.search(r"<!-- make -->\n```sh\n(.+?)\n```", page, re.DOTALL).group(1).splitlines()
    targets = [command.partition("--target ")[2] for command in commands]
    assert set(targets) <= set(office.TARGETS)
    assert all("scripts/make_office_folder.py" in command for command in commands)
    assert all(f"`{name}`" in page for name in office.TARGETS)
    assert all(option in page for option in ("--python-archive", "--find-links", "--no-index"))
