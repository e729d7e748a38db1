"""Phased proposals in the toy town: A reaches d0 (10 persons), F d0 and d1 (30), H d2 (30); within four minutes."""

import numpy as np
import pytest

from chongming_gis import candidates as candidates_module
from chongming_gis import tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import phased
from chongming_gis.measured_tables import MEASURED
from tests.measured.toy_ground import A, F, H, make_ground, places_of, the_study
from tests.proposals.test_proposals import ASKED, CANDIDATES, COSTS, PLAN, candidates

SHORT = {"standards": [{"id": "walk", "name_zh": "走", "name_en": "walk", "source": "t",
                        "limits": [{"mode": "foot", "minutes": 4}]}]}  # fmt: skip
PHASES = {"id": "steps", "name_zh": "分年", "name_en": "steps", "proposal": "more", "source": "test"}


def numbers(*counts, **more):
    return [{"year": 2026 + i, "new_sites": n, **more} for i, n in enumerate(counts)]


def study_of(asked=None, **changes):
    return the_study(
        {"meal": SHORT},
        candidates=CANDIDATES,
        proposals=[{**ASKED, "new_sites": 1, "cost": "new", **(asked or {})}],
        costs=COSTS,
        plan=PLAN,
        phases=[{**PHASES, "years": numbers(1, 1), **changes}],
    )


def phase(monkeypatch, *at, asked=None, standing=(A,), **changes):
    monkeypatch.setattr(candidates_module, "make_candidates", lambda *_, **__: candidates(*at))
    monkeypatch.setattr(candidates_module, "read_ground", lambda *_: None)
    study = study_of(asked, **changes)
    frame = places_of("meal", list(standing), township=["t1"] * len(standing))
    found = phased.phase(make_ground(study, {"meal": frame}))
    for name, table in found.tables.items():
        tables.validate(table, MEASURED[name], where=name)
    return found.tables["phases"], found.tables["phase_sites"]


def test_the_site_that_adds_most_comes_first(monkeypatch):
    years, sites = phase(monkeypatch, F, H)  # A stands: F adds d1 (20), H d2 (30)
    assert sites[["place_id", "year", "added", "cost"]].to_numpy().tolist() == [
        ["c1", 2026, 30.0, 500.0],
        ["c0", 2027, 20.0, 500.0],
    ]
    assert years["covered"].tolist() == [40.0, 60.0]
    assert years["covered_before"].tolist() == [10.0, 10.0]
    assert years["price_of_nesting"].tolist() == [0.0, 0.0]
    assert years[["status", "objective", "bound"]].iloc[0].tolist() == ["optimal", 100.0, 100.0]


def test_what_the_sites_of_a_year_add_is_the_year(monkeypatch):
    years, sites = phase(monkeypatch, A, F, H, standing=(H,), years=numbers(2))
    assert sites["added"].sum() == years["covered"].item() - years["covered_before"].item()
    assert years["n_new"].item() == len(sites) == 1  # F reaches all that A does


def test_money_by_year_is_carried_over(monkeypatch):
    money = [{"year": 2026, "budget": 300.0}, {"year": 2027, "budget": 300.0}]
    years, _ = phase(monkeypatch, F, H, years=money)
    assert years["n_new"].tolist() == [0, 1]
    assert years["limit_unit"].tolist() == ["money", "money"]
    years, sites = phase(monkeypatch, F, H, years=money, unspent="lapses")
    assert years["n_new"].tolist() == [0, 0]
    assert sites.empty


def test_money_that_buys_nothing_is_an_answer(monkeypatch):
    years, sites = phase(monkeypatch, F, H, years=[{"year": 2026, "budget": 499.0}])
    assert years["status"].tolist() == ["infeasible"]
    assert "buys nothing" in years["reason"].item()
    assert np.isnan(years["covered"].item())
    assert sites.empty


def test_a_target_still_to_be_filled_does_not_bind_the_years(monkeypatch):
    years, _ = phase(monkeypatch, F, H, asked={"new_sites": None, "target": "later", "target_set": "next"})
    assert years["n_new"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"proposal": "less"}, r"phases\.steps\.proposal: 'less'"),
        ({"years": []}, "years"),
        ({"years": numbers(1, 1)[::-1]}, "must ascend"),
        ({"years": [{"year": 2026}]}, "give new_sites or budget"),
        ({"years": [{"year": 2026, "new_sites": 1, "budget": 2.0}]}, "give new_sites or budget"),
        ({"years": [{"year": 2026, "new_sites": 1}, {"year": 2027, "budget": 2.0}]}, "for every year"),
        ({"years": numbers(1, weight=0.0)}, "one weight must be above 0"),
        ({"years": numbers(-1)}, "new_sites"),
        ({"unspent": "burns"}, "unspent"),
    ],
)
def test_phases_that_the_study_cannot_ask_are_refused_by_name(changes, told):
    with pytest.raises(StudyError, match=told):
        study_of(**changes)


def test_a_median_cannot_be_phased_and_money_needs_a_cost():
    with pytest.raises(StudyError, match="'more' is a p_median"):
        study_of({"model": "p_median"})
    with pytest.raises(StudyError, match="budget needs the proposal 'more' to name a cost"):
        study_of({"cost": None}, years=[{"year": 2026, "budget": 5.0}])
