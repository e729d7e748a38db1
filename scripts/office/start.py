"""Install the program from the wheels beside this file where that is not done yet, run the study and open its report.

    start.py                     run study.toml beside this file, else the embedded study; open the report
    start.py check study.toml    any command of chongming-gis

Needs nothing but Python and the folder it lies in: no network, no administrator. It is read by whatever Python the
computer has, so that it can say that it needs another one: no syntax newer than Python 3.6.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS.txt"
RESULT = "结果"
TEXTS = {  # Chinese first: each is printed in both languages, since nobody has been asked yet
    "python": (
        "本文件夹需要 {wanted}，这里是 {found}。请看 README.txt。",
        "This folder is for {wanted}; this is {found}. See README.txt.",
    ),
    "damaged": (
        "下列文件缺失或已损坏，请重新复制整个文件夹：{names}",
        "Missing or damaged; copy the folder again: {names}",
    ),
    "install": (
        "首次使用：正在安装，约需一至数分钟，无需联网……",
        "First start: installing takes a minute or a few, without a network ...",
    ),
    "failed": ("安装未完成，原因见上面的英文。", "The installation did not finish; the lines above say why."),
    "unwritable": (
        "本文件夹不能写入（{why}）。请复制到硬盘上再打开。",
        "This folder cannot be written ({why}); copy it to the disk.",
    ),
    "run": ("正在计算：{study}", "Computing: {study}"),
    "embedded": ("内置的崇明示意数据", "the embedded schematic study of Chongming"),
    "done": ("报告：{report}", "Report: {report}"),
}


class Stopped(Exception):  # noqa: N818 - nothing is wrong with the program
    """What the person at the computer has to do first."""


def main() -> None:
    """Install, run and open."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console or log of another encoding shows "?" and goes on
    try:
        refuse_other_python()
        python = installed_python()
    except Stopped as stopped:
        sys.exit(str(stopped))
    arguments = sys.argv[1:]
    if arguments:
        sys.exit(program(python, *arguments))
    study = HERE / "study.toml"
    names = [study.name, study.name] if study.exists() else TEXTS["embedded"]
    say("run", study=names)
    report = HERE / RESULT / "report.html"
    code = program(python, "run", *([str(study)] if study.exists() else []), "--out", str(report.parent))
    if code == 0:
        say("done", report=report)
        open_page(report)
    sys.exit(code)


def refuse_other_python() -> None:
    """Stop where this Python cannot use the wheels of the folder."""
    wanted = json.loads((HERE / "made-for.json").read_text(encoding="utf-8"))
    found = (platform.system(), platform.machine(), "{}.{}".format(*sys.version_info[:2]))
    fits = found[0] == wanted["system"] and found[1] in wanted["machines"] and found[2] == wanted["python"]
    if not fits or sys.maxsize < 2**32:
        names = "{} {}, Python {}".format(wanted["system"], wanted["machines"][0], wanted["python"])
        raise Stopped(told("python", wanted=names, found="{} {}, Python {}".format(*found)))


def installed_python() -> Path:
    """Return the Python of the environment beside this file; made anew where the folder was moved or renewed."""
    home = HERE / "env"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = home / "installed.txt"
    state = "\n".join([hashlib.sha256(SUMS.read_bytes()).hexdigest(), str(HERE), sys.base_prefix])
    if python.exists() and mark.exists() and mark.read_text(encoding="utf-8") == state:
        return python
    refuse_damaged()
    say("install")
    try:
        shutil.rmtree(str(home), ignore_errors=True)
        home.mkdir(exist_ok=True)
    except OSError as error:
        raise Stopped(told("unwritable", why=error.strerror)) from None
    wheels = HERE / "wheels"
    pip = "{}/pip".format(next(wheels.glob("pip-*.whl")))  # a system's Python may lack its own
    ours = str(next(wheels.glob("chongming_gis-*.whl")))
    options = ["--isolated", "--no-index", "--find-links", str(wheels), "--disable-pip-version-check", "--quiet"]
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", str(home)],
        [str(python), pip, "install", *options, ours],
    ):
        if subprocess.call(command, env=quiet_environment()):
            raise Stopped(told("failed"))
    mark.write_text(state, encoding="utf-8")
    return python


def refuse_damaged() -> None:
    """Stop where a file is not as it was when the folder was made: a stick pulled too early, a scanner's quarantine."""
    wrong = []
    for line in SUMS.read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        path = HERE / name
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(name)
    if wrong:
        raise Stopped(told("damaged", names=", ".join(wrong)))


def program(python: Path, *arguments: str) -> int:
    """Run chongming-gis in the folder and return its exit code."""
    return subprocess.call([str(python), "-m", "chongming_gis", *arguments], cwd=str(HERE), env=quiet_environment())


def quiet_environment() -> dict:
    """Return an environment in which text is UTF-8 whatever the console, and no other Python's packages are seen."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    return dict(kept, PYTHONUTF8="1", PYTHONNOUSERSITE="1")


def open_page(path: Path) -> None:
    """Open a page as a double-click would; where there is no desktop its path has been printed."""
    if os.name == "nt":
        os.startfile(str(path))  # noqa: S606 - what a double-click does
    elif shutil.which("xdg-open") and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        subprocess.call(["xdg-open", str(path)])


def told(key: str, **blanks: object) -> str:
    """Return a text in both languages; a blank of two texts has one for each."""
    lines = []
    for at, text in enumerate(TEXTS[key]):
        here = {name: value[at] if isinstance(value, (list, tuple)) else value for name, value in blanks.items()}
        lines.append(text.format(**here))
    return "\n".join(lines)


def say(key: str, **blanks: object) -> None:
    """Print a text in both languages at once, even into a log."""
    print(told(key, **blanks), flush=True)


if __name__ == "__main__":
    main()
