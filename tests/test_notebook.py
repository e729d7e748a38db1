"""docs/notebooks/result.ipynb, cell by cell as a notebook would run it, on the toy result of ``site``."""

import ast
import dataclasses
import json
from pathlib import Path

import folium
import pandas as pd
import pytest

from chongming_gis import results
from tests.maps import toy
from tests.test_choosing import saved  # noqa: F401 - the fixture

PATH = Path(__file__).resolve().parents[1] / "docs" / "notebooks" / "result.ipynb"
CELLS = json.loads(PATH.read_text(encoding="utf-8"))["cells"]


def run_cell(text, names):
    """Run a cell and return the value of its last line, which a notebook shows."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(PATH), "exec"), names)  # noqa: S102 - what the test is for
    return eval(compile(ast.Expression(last.value), str(PATH), "eval"), names) if last else None  # noqa: S307


@pytest.fixture(scope="module")
def folder(saved, tmp_path_factory):  # noqa: F811
    """The result with the roads of the toy map, which the one for ``site`` goes without."""
    result = dataclasses.replace(results.load(saved), roads_drawn=toy.result().roads_drawn)
    made = tmp_path_factory.mktemp("notebook") / "r"
    with results.staged_folder(made) as stage:
        results.save(result, stage)
    return made


@pytest.fixture(scope="module")
def shown(folder):
    """The names after the last cell, and what each cell showed."""
    names, values = {}, []
    for cell in CELLS:
        if cell["cell_type"] == "code":
            values.append(run_cell("".join(cell["source"]), names))
            if "parameters" in cell["metadata"].get("tags", ()):
                names |= {"FOLDER": str(folder), "SERVICE": "meal", "PROPOSAL": "more", "NEW_SITES": 2}
    return names, values


def test_it_is_stored_without_outputs_and_headed_in_both_languages():
    assert all(
        cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS if cell["cell_type"] == "code"
    )
    heads = [cell["source"][0] for cell in CELLS if cell["cell_type"] == "markdown"]
    assert len(heads) == 5
    assert all(head.startswith("#") and " / " in head for head in heads)
    assert PATH.stat().st_size < 20_000


def test_result_and_tables_are_shown_as_a_notebook_shows_them(shown):
    _, values = shown
    assert values[1]._repr_html_().lstrip().startswith("<")
    assert values[2].columns[0] == "乡镇 / township"
    assert values[2].iloc[:, 0].is_unique


def test_the_map_carries_the_analyst_s_own_layer(shown):
    names, values = shown
    assert isinstance(values[3], folium.Map)
    page = values[3].get_root().render()
    assert "未达标的居住点" in page or json.dumps("未达标的居住点").strip('"') in page
    assert len(names["left_out"]) > 0
    assert page.count("L.circleMarker(") >= len(names["left_out"])


def test_another_siting_was_asked_for(shown):
    """Two sites instead of one: F and H, so that 20 and 30 persons more are covered."""
    names, values = shown
    assert names["answer"].plan.status == "optimal"
    assert len(names["answer"].plan.chosen) == 2
    assert values[4] is names["answer"].plan
    assert isinstance(values[5], pd.DataFrame)
    assert len(values[5]) == 2
