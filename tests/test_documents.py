"""What the documents promise is there: commands, links, and a line for every file of a result."""

import re
from pathlib import Path

import pytest

from chongming_gis import config, pipeline

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "README.zh.md",
    "CONTRIBUTING.md",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


def test_the_readme_has_its_two_commands():
    """One command after each mark, and the files they name exist."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for mark, last in (("run", "chongming-gis run"), ("tests", "pytest -q")):
        command = re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", text).group(1)
        assert command.endswith(last)
        for named in re.findall(r"constraints/\S+", command):
            assert (ROOT / named).is_file()


def test_both_readmes_have_the_same_commands_and_output():
    """Blocks of code differ in their comments alone; headings and rows of tables are as many but for the benchmark."""
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")]
    english, chinese = (re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL) for page in pages)
    assert len(english) == 5
    bare = [[(kind, re.sub(r"\s*# .*", "", block)) for kind, block in blocks] for blocks in (english, chinese)]
    assert bare[0] == bare[1]
    assert pages[0].count("\n## ") == pages[1].count("\n## ")
    first = [page.splitlines()[2] for page in pages]
    assert first == ["[中文](README.zh.md)", "[English](README.md)"]


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page):
    """Every relative link and picture of a page is a file of the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert missing == []


@pytest.mark.extract
def test_every_file_of_a_result_is_described(shared_data, tmp_path):
    """docs/results.md names each file that a run writes (maps by their pattern)."""
    study = config.read_study(ROOT / "tests" / "studies" / "helsinki.toml")
    pipeline.write_result(pipeline.run_study(study), tmp_path / "r")
    described = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    for path in (tmp_path / "r").rglob("*"):
        if path.is_file() and path.parent.name != "maps":
            assert path.stem in described, path.name
