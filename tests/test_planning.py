"""The planning part of a study file: what is allowed, and every fault named by its key."""

import copy
import importlib.util
from pathlib import Path

import pytest

from chongming_gis import config
from chongming_gis.errors import StudyError


@pytest.fixture(scope="module")
def toy():
    spec = importlib.util.spec_from_file_location("toy_town_of_maps", Path(__file__).parent / "maps" / "toy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def content(toy):
    study = toy.study().model_dump(mode="json", exclude_none=True)
    return copy.deepcopy({key: value for key, value in study.items() if value})


def refusal(content) -> str:
    with pytest.raises(StudyError) as error:
        config.parse_study(content, folder=Path())
    return str(error.value)


def test_the_toy_study_is_read_with_all_four_parts(content):
    study = config.parse_study(content, folder=Path())
    assert [indicator.id for indicator in study.plan.indicators] == ["sites", "everywhere", "ruled", "stated"]
    assert study.needs[0].rate == pytest.approx(0.02)  # 0.04 x 0.5
    assert (study.costs[0].currency, study.siting_rules[1].distance_m) == ("CNY", 0.0)
    assert study.plan.indicators[0].target("now") == 3.0
    assert study.plan.indicators[0].target("later") is None


def test_every_name_that_the_study_does_not_have_is_told_at_once(content):
    content["needs"][0]["service"] = "library"
    content["needs"][0]["group"] = "teens"
    content["siting_rules"][0]["service"] = "pool"
    content["costs"][0]["service"] = "zoo"
    content["plan"]["indicators"][0]["targets"] = {"never": 1}
    content["plan"]["indicators"][1]["measure"]["services"] = ["school"]
    told = refusal(content)
    for words in (
        "needs.library.service: 'library' is not declared",
        "needs.library.group (base resident): 'teens' is not declared",
        "siting_rules.pool.service: 'pool'",
        "costs.new.service: 'zoo'",
        "plan.indicators.sites.targets: 'never' is not declared in this study; allowed: later, now",
        "plan.indicators.everywhere.measure.services: 'school'",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["plan"]["target_sets"][0].update(year=2019), "year 2019 must be after base_year 2020"),
        (lambda c: c["plan"]["indicators"][0]["targets"].update(now="soon"), "indicators.sites.targets.now = 'soon'"),
        (lambda c: c["plan"]["indicators"][1]["measure"].update(area="street"), "everywhere.measure.area = 'street'"),
        (lambda c: c["plan"]["indicators"][0]["measure"].update(of="dreams"), "plan.indicators.sites.measure"),
        (lambda c: c["costs"][0].update(unit="beds"), "unit goes with what = 'capacity' and 'conversion'"),
        (lambda c: c["costs"][0].update(what="co_location_saving", value=20), "a saving is a share between 0 and 1"),
        (lambda c: c["costs"][0].update(currency="yuan"), "costs.new.currency = 'yuan'"),
        (lambda c: c["siting_rules"][1].update(distance_m=10), "not_inside has no distance_m"),
        (lambda c: c["siting_rules"][0].update(distance_m=0), "not_within and beside need one"),
        (lambda c: c["needs"][0].update(factors=[]), "needs.0.factors"),
        (lambda c: c["needs"][0]["factors"][0].pop("source"), "needs.0.factors.0.source: is missing"),
        (lambda c: c["plan"].update(indicators=2 * c["plan"]["indicators"]), "the id 'sites' is given twice"),
        (lambda c: c["costs"].append(c["costs"][0]), "costs: the id 'new' is given twice"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_key(content, change, words):
    change(content)
    assert words in refusal(content)
