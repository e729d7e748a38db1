"""The complete circle of a town of four places and two services, by hand."""

import numpy as np
import pandas as pd
import pytest

from chongming_gis import basket, measured_tables, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import circle
from tests.measured.toy_ground import A, F, make_ground, places_of, the_study

MEASURES = {"basket": {"services": ["meal", "care"], "group": "all", "base": "resident", "source": "test"}}


@pytest.fixture(scope="module")
def found():
    """Meals at F reach d0, d1 and d2 (840 s); care at A reaches d0 and d1, d2 is 990 s away; d3 has no road."""
    study = the_study({"meal": {}, "care": {}}, measures=MEASURES)
    ground = make_ground(study, {"meal": places_of("meal", [F]), "care": places_of("care", [A])})
    return circle.STEP.measure(ground).tables


def test_the_tables_keep_their_contracts(found):
    for name, table in found.items():
        tables.validate(table, measured_tables.MEASURED[name], where=name)


def test_how_many_have_how_many(found):
    """30 people have both services, d2's 30 have meals only, d3's 5 have none."""
    table = found["basket"]
    counts = table.set_index(["scope_code", "n_within"])["persons"]
    assert counts["toy"].tolist() == [5.0, 30.0, 30.0]
    assert counts["t1"].tolist() == [0.0, 0.0, 30.0]
    assert counts["t2"].tolist() == [0.0, 30.0, 0.0]
    shares = table.set_index(["scope_code", "n_within"])["share"]
    assert shares["toy"].tolist() == pytest.approx([5 / 65, 30 / 65, 30 / 65])
    assert (table["n_services"] == 2).all()


def test_who_lacks_which_service_where(found):
    table = found["basket_missing"].set_index(["scope_code", "service"])
    assert table.loc[("toy", "meal"), "persons_missing"] == 5.0
    assert table.loc[("toy", "care"), "persons_missing"] == 35.0
    assert table.loc[("v3", "care"), "share_missing"] == 1.0
    assert table.loc[("v1", "care"), "persons_missing"] == 0.0


def test_an_area_without_people_has_persons_but_no_share(found):
    counts = found["basket"].set_index("scope_code").loc["v4"]
    assert counts["persons"].tolist() == [0.0, 0.0, 0.0]
    assert counts["share"].isna().all()
    lacking = found["basket_missing"].set_index("scope_code").loc["v4"]
    assert lacking["share_missing"].isna().all()
    assert lacking["name_zh"].tolist() == ["区v4", "区v4"]


def test_the_serves_rule_is_applied():
    """Care for the people of village v1 only: d1 has none any more."""
    study = the_study({"meal": {}, "care": {}}, measures=MEASURES)
    care = places_of("care", [A], serves=["village"], village=["v1"])
    ground = make_ground(study, {"meal": places_of("meal", [F]), "care": care})
    table = circle.STEP.measure(ground).tables["basket_missing"].set_index(["scope_code", "service"])
    assert table.loc[("toy", "care"), "persons_missing"] == 55.0


def test_spread_sums_to_the_people_of_each_area():
    rng = np.random.default_rng(7)
    has = rng.random((200, 4)) < 0.6
    found = basket.fill_basket({f"s{i}": has[:, i] for i in range(4)})
    persons = rng.random(200)
    areas = pd.Series(rng.choice(["a", "b", "c", None], 200), dtype="str")
    spread = basket.spread_basket(found, persons, areas)
    measured = basket.measure_basket(found, persons, areas).set_index("code")
    by_code = spread.groupby("code")
    assert by_code["persons"].sum().to_numpy() == pytest.approx(measured["persons"].to_numpy())
    mean = by_code.apply(lambda rows: (rows["n_within"] * rows["persons"]).sum() / rows["persons"].sum())
    assert mean.to_numpy() == pytest.approx(measured["mean_count"].to_numpy())
    complete = spread[spread["n_within"] == 4].set_index("code")["persons"] / measured["persons"]
    assert complete.to_numpy() == pytest.approx(measured["share_complete"].to_numpy())


def test_a_study_without_the_section_does_not_ask():
    assert not circle.STEP.is_asked(the_study({"meal": {}}))
    assert circle.STEP.is_asked(the_study({"meal": {}, "care": {}}, measures=MEASURES))


def test_every_fault_of_the_section_is_told_at_once():
    wrong = {"services": ["meal", "meal", "spa"], "group": "young", "base": "resident", "source": "test"}
    with pytest.raises(StudyError) as caught:
        the_study({"meal": {}}, measures={"basket": wrong})
    said = str(caught.value)
    assert "measures.basket.services: the id 'meal' is given twice" in said
    assert "measures.basket.services: 'spa' is not declared in this study; allowed: meal" in said
    assert "measures.basket.group (base resident): 'young' is not declared in this study; allowed: all, old" in said
