"""`site` and `rank` on a saved result of the toy town: what is asked again, what is printed, what is refused."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from chongming_gis import choosing, cli, proposals, results, tables
from chongming_gis.errors import RankingError, StudyError
from tests.measured.toy_ground import A, F, H
from tests.proposals.toy_questions import ask, candidates, ground_of

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A canteen at A reaches d0 (10 persons); of F (d1, 20) and H (d2, 30) one is asked for."""
    ground = ground_of([A], minutes=4, cost="new", weights={"newly_covered": 1.0})
    proposal, setting = ask([A], minutes=4, cost="new", weights={"newly_covered": 1.0})
    at = candidates(F, H)
    made = proposals.make_proposal(proposal, setting, at)
    roads = gpd.GeoDataFrame({"highway": []}, geometry=[], crs=at.crs)
    result = results.StudyResult(
        study=ground.study,
        demand=ground.inputs.demand,
        facilities=ground.inputs.facilities["meal"],
        townships=ground.inputs.townships,
        villages=ground.inputs.villages,
        land=ground.inputs.land,
        roads_drawn=roads,
        access=ground.access,
        coverage=ground.coverage,
        indicators=tables.no_table(tables.INDICATORS),
        provision=tables.no_table(tables.PROVISION),
        measured={
            "plans": made.plan_row,
            "sites": made.sites,
            "site_gains": made.site_gains,
            "plan_access": made.plan_access,
            "site_times": made.site_times,
            "candidates": at,
        },
        surfaces={},
        manifest={"timings": {}},
    )
    folder = tmp_path_factory.mktemp("results") / "r"
    with results.staged_folder(folder) as stage:
        results.save(result, stage)
    return folder


def run(*arguments):
    done = RUNNER.invoke(cli.app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_site_without_options_gives_the_plans_of_the_run(saved, tmp_path):
    out = tmp_path / "sites.csv"
    said = run("site", saved, "--lang", "en", "--out", out)
    assert "proven optimal" in said
    assert "30 persons more" in said
    again, first = (pd.read_csv(path, encoding="utf-8-sig") for path in (out, saved / "sites.csv"))
    pd.testing.assert_frame_equal(again, first)


def test_site_asks_again_with_another_number_and_with_locks(saved):
    assert "50 persons more" in run("site", saved, "--proposal", "more", "--new-sites", 2, "--lang", "en")
    assert "20 persons more" in run("site", saved, "--proposal", "more", "--lock", "c0", "--lang", "en")
    assert "20 persons more" in run("site", saved, "--proposal", "more", "--forbid", "c1", "--lang", "en")
    assert "新覆盖 30 人" in run("site", saved, "--proposal", "more")
    assert "0 persons more" in run("site", saved, "--proposal", "more", "--budget", 499, "--lang", "en")


def test_a_solve_says_how_long_it_took_and_a_locked_one_keeps_what_is_as_good(saved):
    said = run("site", saved, "--proposal", "more", "--lock", "c0", "--forbid", "c1", "--lang", "en")
    assert "solved in 0." in said
    assert "20 persons more" in said


def test_other_good_plans_are_printed_with_what_changes(saved):
    """H covers 30 more; F, with 20, a third less."""
    asked = ("site", saved, "--proposal", "more", "--lang", "en", "--alternatives", 3)
    said = run(*asked, "--within", 34)
    assert "Other good plans" in said
    assert "点1 (c1)" in said  # does without
    assert "点0 (c0)" in said
    assert "No other plan loses at most 2%" in run(*asked)
    assert "Other good plans" not in run("site", saved, "--proposal", "more", "--lang", "en")
    assert "Other good plans" not in run(*asked, "--new-sites", 0)


def test_what_belongs_to_one_proposal_needs_its_name(saved):
    with pytest.raises(StudyError, match="need --proposal ID"):
        run("site", saved, "--lock", "c0")


def test_a_result_without_proposals_says_so(saved, tmp_path):
    bare = results.load(saved)
    object.__setattr__(bare, "measured", {})
    with results.staged_folder(tmp_path / "r") as stage:
        results.save(bare, stage)
    for command in ("site", "rank"):
        with pytest.raises(StudyError, match=r"no \[\[proposals\]\]"):
            run(command, tmp_path / "r")


def test_rank_gives_every_method_and_says_how_firm_a_rank_is(saved, tmp_path):
    out = tmp_path / "ranking.csv"
    assert "TOPSIS" in run("rank", saved, "--out", out, "--weights", "newly_covered=2, cost=1")
    table = pd.read_csv(out, encoding="utf-8-sig")
    assert table["place_id"].tolist() == ["c1"]
    assert table["rank:vikor:critic"].tolist() == [1]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("weights", ["newly_covered", "newly_covered=much", "newly_covered=-1"])
def test_weights_that_are_no_numbers_are_refused(saved, weights):
    with pytest.raises(RankingError, match="must be a criterion = a number"):
        run("rank", saved, "--weights", weights)
    with pytest.raises(RankingError, match="beauty are no criteria; use newly_covered"):
        run("rank", saved, "--weights", "beauty=1")


def test_ranks_of_several_sites_follow_their_criteria(saved):
    result = results.load(saved)
    sites = pd.concat([result.measured["sites"]] * 3, ignore_index=True).assign(
        place_id=["a", "b", "c"], newly_covered=[10.0, 30.0, 20.0], cost=np.nan
    )
    object.__setattr__(result, "measured", {**result.measured, "sites": gpd.GeoDataFrame(sites)})
    table = choosing.rank_sites(result)
    assert table["place_id"].tolist() == ["b", "c", "a"]
    assert table["share_first"].tolist() == [1.0, 0.0, 0.0]
    assert table["n_dominated_by"].tolist() == [0, 1, 2]
    assert "cost" not in table  # not known
