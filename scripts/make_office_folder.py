"""Make a folder from which a computer without a network installs and starts the program by a double-click.

    python scripts/make_office_folder.py FOLDER [--target windows|uos-x86_64|uos-aarch64|here] [--python 3.11]
        [--find-links FOLDER] [--no-index] [--python-archive python.tar.gz]

Run it on a computer that reaches the package index, in the project's own environment (docs/install-office.md).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
OFFICE = Path(__file__).resolve().parent / "office"
PROJECT = "chongming-gis"
GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")  # UOS 20 has glibc 2.28
LINUX = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
WINDOWS = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}
DESKTOP = """[Desktop Entry]
Type=Application
Name=Chongming 15-minute services
Name[zh_CN]=崇明15分钟服务圈
Comment[zh_CN]=计算并打开报告，无需联网
Icon=applications-science
Terminal=true
Exec={command}
"""
# The desktop says where this file lies as a path or as an escaped address; the folder need not be the current one.
FIND_AND_START = (
    'f=${1#file://}; [ "$f" = "$1" ] || f=$(printf %b "${f//%/\\\\x}"); cd "$(dirname "$f")" && sh 开始.sh; '
    "printf '按回车键关闭 / press Enter to close '; read -r _"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of computer: pip's names for it, and what tells it apart for the markers of requirements."""

    name: str
    title: str
    platforms: tuple[str, ...]  # none: whatever this computer takes
    markers: dict[str, str]
    machines: tuple[str, ...]  # what platform.machine() may say there


def _linux(machine: str) -> Target:
    platforms = tuple(f"manylinux_{version}_{machine}" for version in GLIBC)
    return Target(f"uos-{machine}", f"UOS ({machine})", platforms, {**LINUX, "platform_machine": machine}, (machine,))


def _here() -> Target:
    markers = {name: str(value) for name, value in default_environment().items()}
    return Target("here", f"{platform.system()} ({platform.machine()})", (), markers, (platform.machine(),))


TARGETS = {
    target.name: target
    for target in (
        Target("windows", "Windows", ("win_amd64",), {**WINDOWS, "platform_machine": "AMD64"}, ("AMD64",)),
        _linux("x86_64"),
        _linux("aarch64"),
        _here(),
    )
}


def main() -> None:
    """Make the folder and say what is in it."""
    arguments = _arguments()
    target = TARGETS[arguments.target]
    make_folder(
        arguments.folder,
        target,
        python=arguments.python,
        index=_index_options(arguments),
        python_archive=arguments.python_archive,
    )
    wheels = list((arguments.folder / "wheels").glob("*.whl"))
    size_mb = sum(path.stat().st_size for path in arguments.folder.rglob("*") if path.is_file()) / 1e6
    print(f"{arguments.folder}: {len(wheels)} wheels, {size_mb:.0f} MB, for {target.title}, Python {arguments.python}")
    free = _unpinned(wheels, _constraints(arguments.python))
    if free:
        print(f"not pinned by {_constraints(arguments.python).name}, the newest was taken: {', '.join(free)}")


def make_folder(
    folder: Path, target: Target, *, python: str, index: Sequence[str] = (), python_archive: Path | None = None
) -> None:
    """Write wheels, starters and checksums into a new folder; it appears only when all of it is there.

    Parameters
    ----------
    folder : must not exist, or be empty
    target : the kind of computer it is for
    python : major and minor version there, e.g. "3.11"
    index : pip's options that say where wheels are, e.g. ("--no-index", "--find-links", "wheels")
    python_archive : a stand-alone Python (.tar.gz with a folder ``python``) to put beside

    Raises
    ------
    SystemExit
        The folder holds something, or a wheel cannot be had for that kind of computer.
    """
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder}: holds something already; name a new folder")
    if not target.platforms and python != sysconfig.get_python_version():
        sys.exit(f"--python {python}: this computer's own is {sysconfig.get_python_version()}; name a --target")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".office-", dir=folder.parent) as stage:
        made = Path(stage) / "folder"
        (made / "wheels").mkdir(parents=True)
        _collect_wheels(made / "wheels", target, python=python, index=index)
        _write_starters(made, target, python)
        if python_archive is not None:
            shutil.copyfile(python_archive, made / "python.tar.gz")
        _write_checksums(made)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)


def missing_and_needless(wheels: Path, markers: dict[str, str]) -> tuple[list[str], list[Path]]:
    """Return what the project needs there and has no wheel of, and the wheels that it does not need.

    pip judges markers by the computer it runs on: for Windows it leaves out what only Windows needs.
    """
    found = {parse_wheel_filename(path.name)[0]: path for path in sorted(wheels.glob("*.whl"))}
    needed: dict[str, str] = {}
    asked = [Requirement(PROJECT), Requirement("pip")]
    seen: set[tuple[str, str]] = set()
    while asked:
        requirement = asked.pop()
        name = canonicalize_name(requirement.name)
        needed.setdefault(name, f"{requirement.name}{requirement.specifier}")
        for extra in ("", *sorted(requirement.extras)):
            if name in found and (name, extra) not in seen:
                seen.add((name, extra))
                asked += _requirements(found[name], {**markers, "extra": extra})
    missing = sorted(text for name, text in needed.items() if name not in found)
    return missing, [path for name, path in found.items() if name not in needed]


def _requirements(wheel: Path, markers: dict[str, str]) -> list[Requirement]:
    """Return what a wheel requires in an environment."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    told = [Requirement(text) for text in headers.get_all("Requires-Dist", [])]
    return [requirement for requirement in told if requirement.marker is None or requirement.marker.evaluate(markers)]


def _collect_wheels(wheels: Path, target: Target, *, python: str, index: Sequence[str]) -> None:
    """Build the project's wheel and fetch what it needs there, until nothing is missing."""
    isolation = ["--no-build-isolation"] if "--no-index" in index else []  # the environment has the build tool then
    _pip("wheel", "--no-deps", *index, *isolation, "--wheel-dir", str(wheels), str(ROOT))
    kind = [part for name in target.platforms for part in ("--platform", name)]
    kind += ["--python-version", python, "--implementation", "cp"] if kind else []
    fetch = ["download", *index, "--only-binary=:all:", *kind, "-c", str(_constraints(python)), "--dest", str(wheels)]
    _pip(*fetch, "pip", *(str(path) for path in wheels.glob("*.whl")))
    markers = {**target.markers, **_python_markers(python)}
    while missing := missing_and_needless(wheels, markers)[0]:
        _pip(*fetch, "--no-deps", *missing)
    for path in missing_and_needless(wheels, markers)[1]:
        path.unlink()


def _python_markers(python: str) -> dict[str, str]:
    names = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    nothing = dict.fromkeys(("platform_release", "platform_version"), "")
    return {**names, **nothing, "python_version": python, "python_full_version": f"{python}.0"}


def _write_starters(folder: Path, target: Target, python: str) -> None:
    """Write what is double-clicked, and what it is for."""
    blanks = {"@PYTHON@": python, "@TARGET@": target.title}
    shutil.copyfile(OFFICE / "start.py", folder / "start.py")
    _write_text(folder / "README.txt", _filled("README.txt", blanks), encoding="utf-8-sig", newline="\r\n")
    if target.markers["os_name"] == "nt":
        _write_text(folder / "开始.bat", _filled("start.bat", blanks), encoding="ascii", newline="\r\n")
    else:
        _write_text(folder / "开始.sh", _filled("start.sh", blanks), encoding="utf-8", newline="\n")
        entry = DESKTOP.format(command=desktop_command("bash", "-c", FIND_AND_START, "start", "%k"))
        _write_text(folder / "开始.desktop", entry, encoding="utf-8", newline="\n")
        for name in ("开始.sh", "开始.desktop"):
            (folder / name).chmod(0o755)
    told = {"system": target.markers["platform_system"], "machines": list(target.machines), "python": python}
    _write_text(folder / "made-for.json", json.dumps(told, indent=1) + "\n", encoding="ascii", newline="\n")


def desktop_command(*words: str) -> str:
    r"""Return the value of a desktop entry's Exec: each word quoted, then escaped as a string of the file.

    Notes
    -----
    Desktop Entry Specification 1.5, "The Exec key". Field codes such as %k may not stand inside quotes.

    Examples
    --------
    >>> print(desktop_command("sh", "-c", "echo $1", "%k"))
    "sh" "-c" "echo \\$1" %k
    """
    told = []
    for word in words:
        if len(word) == 2 and word.startswith("%"):
            told.append(word)
            continue
        text = word.replace("%", "%%")
        for sign in ("\\", '"', "`", "$"):
            text = text.replace(sign, f"\\{sign}")
        told.append(f'"{text}"')
    return " ".join(told).replace("\\", "\\\\")


def _write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file that the start needs whole."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in paths]
    _write_text(folder / "SHA256SUMS.txt", "\n".join(sums) + "\n", encoding="utf-8", newline="\n")


def _filled(name: str, blanks: dict[str, str]) -> str:
    text = (OFFICE / name).read_text(encoding="utf-8")
    for blank, value in blanks.items():
        text = text.replace(blank, value)
    return text


def _write_text(path: Path, text: str, *, encoding: str, newline: str) -> None:
    path.write_text(text, encoding=encoding, newline=newline)


def _constraints(python: str) -> Path:
    path = ROOT / "constraints" / f"python-{python}.txt"
    if not path.is_file():
        sys.exit(f"--python {python}: there is no {path}; the tested versions are those of constraints/")
    return path


def _unpinned(wheels: list[Path], constraints: Path) -> list[str]:
    """Return the packages whose version the constraints do not say."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}
    found = {parse_wheel_filename(path.name)[:2] for path in wheels}
    return sorted(f"{name} {version}" for name, version in found if name not in pinned | {PROJECT, "pip"})


def _index_options(arguments: argparse.Namespace) -> list[str]:
    links = ["--find-links", str(arguments.find_links)] if arguments.find_links else []
    return ["--no-index", *links] if arguments.no_index else links


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments[:1], "--quiet", "--disable-pip-version-check", *arguments[1:]]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"pip {arguments[0]} failed; its own lines above say why")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", choices=list(TARGETS), default="windows")
    parser.add_argument("--python", default="3.11", help="version on the office's computers; default 3.11")
    parser.add_argument("--find-links", type=Path, help="a folder of wheels to look in as well")
    parser.add_argument("--no-index", action="store_true", help="look nowhere but there")
    parser.add_argument("--python-archive", type=Path, help="a stand-alone Python to put beside")
    return parser.parse_args()


if __name__ == "__main__":
    main()
