"""docs/bring-your-own-data.md, done step by step: its study, its commands, its mendings, and the output it shows."""

import re
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from chongming_gis import cli, results
from chongming_gis.config import read_study
from tests.own_data import make_folder

PAGE = Path(__file__).parents[1] / "docs" / "bring-your-own-data.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def run_block(block: str) -> int:
    """Run the command of a block, find every line it shows in the output, and return the exit code."""
    command, *shown = block.strip().splitlines()
    _, program, *arguments = command.split()
    assert program == "chongming-gis"
    answer = CliRunner().invoke(cli.app, arguments)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    said = re.sub(r"\s+", " ", answer.output)
    for line in shown:
        assert re.sub(r"\s+", " ", line).strip() in said, f"{command}: {line!r} is not in the output:\n{answer.output}"
    return answer.exit_code


def mend(workbook: Path) -> None:
    """Write the cells of the page's table: a value, or the value that another cell had."""
    book = openpyxl.load_workbook(workbook)
    sheet = book.active
    page = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^\| ([A-Z]\d+) \| (.+?) \|$", page, flags=re.MULTILINE)
    assert len(found) == 4
    before = {cell: sheet[cell].value for cell, _ in found}
    for cell, words in found:
        other = re.fullmatch(r"the value of ([A-Z]\d+)", words)
        sheet[cell].value = before[other[1]] if other else int(words)
    book.save(workbook)


@pytest.mark.extract
def test_the_page_can_be_followed_from_the_folder_to_the_report(tmp_path, monkeypatch, shared_data):
    make_folder(tmp_path, shared_data / "osm" / "liechtenstein.osm.pbf")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    study, mended = blocks("toml")[:2]
    Path("study.toml").write_text(study, encoding="utf-8")
    first_check, second_check, run = blocks("console")[:3]

    assert run_block(first_check) == 2
    marked = openpyxl.load_workbook("chongming-check/my_district/check.xlsx")
    assert any("助餐点" in name for name in marked.sheetnames)

    section = re.search(r"\[services\.facilities\]\n.*?(?=\n\[)", study, flags=re.DOTALL)[0]
    Path("study.toml").write_text(study.replace(section, mended), encoding="utf-8")
    mend(Path("助餐点.xlsx"))
    assert run_block(second_check) == 0

    assert run_block(run) == 0
    result = results.load("result")
    assert len(result.facilities.places) == 23  # 24 in the list, one of them nowhere
    assert result.study == read_study("study.toml").model_copy(update={"folder": result.study.folder})
    assert 0.1 < result.coverage.loc[result.coverage["scope"] == "district", "share_covered"].iloc[0] < 0.9
    assert (tmp_path / "result" / "report.html").stat().st_size > 100_000
