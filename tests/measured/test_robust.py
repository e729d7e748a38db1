"""The measure of robustness: contracts kept, the same bytes again, shares of one where nothing varies."""

import pandas as pd
import pytest

from chongming_gis import measured, tables
from chongming_gis.measured import questions, robust
from chongming_gis.measured_tables import MEASURED
from tests.measured.toy_ground import A, F, H, make_ground, places_of, the_study
from tests.proposals.toy_questions import ASKED, CANDIDATES, COSTS, candidates
from tests.toy.study import text

SOURCE = {"source": "planning assumption"}
RANGES = {
    "draws": 20,
    "speeds": [{"mode": "foot", "low": 0.5, "high": 2.0, **SOURCE}],
    "path": {"low": 0.8, "likely": 1.0, "high": 1.0, **SOURCE},
    "snap_m": {"low": 30, "likely": 60, "high": 400, **SOURCE},
    "population_sigma": 0.5,
    "population_source": "planning assumption",
}
STILL = {
    **RANGES,
    "speeds": [{"mode": "foot", "low": 1.0, "high": 1.0, **SOURCE}],
    "path": {"low": 1.0, "likely": 1.0, "high": 1.0, **SOURCE},
    "population_sigma": 0.0,
}


@pytest.fixture(autouse=True)
def _looked_at(monkeypatch):
    """The places looked at are F and H."""
    monkeypatch.setattr(questions.candidates, "make_candidates", lambda *_, **__: candidates(F, H))


def ground(*, ranges=None, standing=(A,), **asked):
    sections = {"measures": {"certainty": ranges}} if ranges else {}
    study = the_study(
        {"meal": {"standards": [{"id": "walk", "name_zh": "走", "name_en": "walk", "source": "t",
                                 "limits": [{"mode": "foot", "minutes": 4}]}]}},
        candidates=CANDIDATES, costs=COSTS, proposals=[{**ASKED, "new_sites": 1, "draws": 30, **asked}], **sections,
    )  # fmt: skip
    frame = places_of("meal", list(standing), township=["t1"] * len(standing))
    return make_ground(study, {"meal": frame.assign(kind=text(["canteen"] * len(standing)))})


def measure(**asked):
    found = robust.measure(ground(**asked)).tables
    for name, frame in found.items():
        tables.validate(frame, MEASURED[name], where=name)
    return found


def test_a_full_run_takes_it_and_a_daily_one_does_not():
    study = ground().study
    assert robust.STEP in measured.steps_of(study, "full")
    assert robust.STEP not in measured.steps_of(study, "daily")


def test_without_ranges_only_the_other_plans_are_told():
    """A stands (d0). H adds d2 (30); F adds d1 (20), a third less."""
    found = measure(within_percent=40)
    plans = found["plan_alternatives"]
    assert plans["lost"].tolist()[:2] == [0.0, 10.0]
    assert plans["lost_share"].tolist()[:2] == pytest.approx([0.0, 1 / 3])
    assert plans["number"].tolist()[:2] == [1, 2]
    assert plans["left_out"].iloc[1] == plans["sites"].iloc[0]
    whole = found["plan_robustness"].iloc[0]
    assert (whole["n_draws"], whole["n_planned"]) == (0, 0)
    assert pd.isna(whole["lost_high"])
    sites = found["site_robustness"]
    assert sites["share_draws"].isna().all()
    assert sites["is_chosen"].tolist() == [True, False]
    assert sites["share_good_plans"].tolist() == [0.5, 0.5]
    assert sites["lost_if_refused"].iloc[0] == 10.0


def test_ranges_of_no_width_leave_every_site_in_every_draw():
    found = measure(ranges=STILL)
    whole = found["plan_robustness"].iloc[0]
    assert (whole["n_draws"], whole["n_planned"], whole["n_proven"], whole["share_same"]) == (30, 30, 30, 1.0)
    assert (whole["lost_median"], whole["lost_high"]) == (0.0, 0.0)
    chosen = found["site_robustness"].query("is_chosen")
    assert chosen["share_draws"].tolist() == chosen["share_draws_near"].tolist() == [1.0]


def test_the_same_seed_gives_the_same_bytes_and_more_sites_come_in():
    first, again = (measure(ranges=RANGES) for _ in range(2))
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, again[name], check_exact=True)
    sites = first["site_robustness"]
    assert sites["share_draws"].sum() == pytest.approx(1.0)  # one is built in every draw
    assert (sites["share_draws"] < 1.0).all()
    assert first["plan_robustness"]["lost_high"].item() > 0.0


def test_the_first_draws_do_not_depend_on_how_many_follow():
    few, many = (measure(ranges=RANGES | {"draws": n}, draws=10) for n in (10, 20))
    assert few["plan_robustness"]["n_draws"].item() == many["plan_robustness"]["n_draws"].item() == 10


def test_nothing_is_told_of_a_proposal_that_builds_nothing():
    found = measure(new_sites=0)
    assert {name: len(frame) for name, frame in found.items()} == {
        "plan_alternatives": 0,
        "plan_robustness": 0,
        "site_robustness": 0,
    }
    assert all(frame.empty for frame in measure(alternatives=0, draws=0).values())
