"""Years until plots are full: one district by hand, and every set of villages counted one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import measured_tables, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import burial
from tests.measured.toy_ground import A, F, H, capacities, make_ground, places_of, the_study

FACTORS = [
    {"value": 0.1, "low": 0.05, "high": 0.2, "name_zh": "死亡", "name_en": "deaths", "source": "test"},
    {"value": 0.5, "name_zh": "比例", "name_en": "share", "source": "test"},
]
NEED = {"service": "plot", "unit": "plots_per_year", "group": "all", "base": "resident", "factors": FACTORS}
SECTIONS = {"measures": {"burial": {"services": ["plot"], "source": "test"}}, "needs": [NEED]}
CAPACITY = [("plot0", "plots", 100, 90), ("plot1", "plots", 50, 44), ("plot2", "plots", 8, 0)]


def measure(capacity=CAPACITY, **columns):
    """v1 has a ground of its own with 10 plots left, t1 one with 6; 8 are open to all. 1 in 20 people a year."""
    study = the_study({"plot": {"capacity_unit": "plots"}}, **SECTIONS)
    given_ = {
        "serves": ["village", "township", "all"],
        "village": ["v1", "v2", None],
        "township": ["t1", "t1", "t2"],
    } | columns
    ground = make_ground(
        study, {"plot": places_of("plot", [A, F, H], **given_)}, capacity={"plot": capacities(capacity)}
    )
    found = burial.STEP.measure(ground).tables["burial"]
    tables.validate(found, measured_tables.MEASURED["burial"], where="burial")
    return found.set_index(["scope", "scope_code"])


def test_a_township_is_short_when_the_first_of_its_people_are():
    """v2's 20 people fill the 6 plots of t1 in 6 years; v1's 10 people have their own for 20 years."""
    row = measure().loc[("township", "t1")]
    assert row[["n_grounds", "plots", "used", "plots_left", "persons"]].tolist() == [2, 150.0, 134.0, 16.0, 30.0]
    assert row[["per_year_low", "per_year", "per_year_high"]].tolist() == pytest.approx([0.75, 1.5, 3.0])
    assert row[["years_low", "years", "years_high"]].tolist() == pytest.approx([3.0, 6.0, 12.0])
    assert row["years_pooled"] == pytest.approx(16 / 1.5)


def test_a_township_without_a_ground_is_short_today():
    row = measure().loc[("township", "t2")]
    assert row[["n_grounds", "plots_left", "years"]].tolist() == [0, 0.0, 0.0]


def test_a_village_with_a_ground_of_its_own():
    row = measure().loc[("village", "v1")]
    assert row[["plots_left", "persons", "years"]].tolist() == pytest.approx([10.0, 10.0, 20.0])


def test_the_district_also_has_what_is_open_to_all():
    """t2's 30 people and d3's 5 have nothing but the 8 open plots: 8 / 1.75 years, less than with the others."""
    row = measure().loc[("district", "toy")]
    assert row[["n_grounds", "plots_left", "persons"]].tolist() == [3, 24.0, 65.0]
    assert row["years"] == pytest.approx(8 / 1.75)
    assert row["years_pooled"] == pytest.approx(24 / 3.25)


def test_without_a_statement_of_use_there_are_no_years():
    """Not known is not none: what t1 has left is NA, and v1's own ground is still known."""
    table = measure([CAPACITY[0], ("plot1", "plots", 50, None), CAPACITY[2]])
    row = table.loc[("township", "t1")]
    assert row["n_unknown"] == 1
    assert row[["plots_left", "years_low", "years", "years_high", "years_pooled"]].isna().all()
    assert table.loc[("village", "v1"), "years"] == pytest.approx(20.0)
    assert table.loc[("district", "toy"), "n_unknown"] == 1


def test_more_used_than_there_is_leaves_nothing():
    table = measure([CAPACITY[0], ("plot1", "plots", 50, 60), CAPACITY[2]])
    assert table.loc[("township", "t1"), ["plots_left", "years"]].tolist() == [10.0, 0.0]


def test_planned_grounds_do_not_count():
    study = the_study({"plot": {"capacity_unit": "plots"}}, **SECTIONS)
    frame = places_of("plot", [A, F], township=["t1", "t1"], serves=["township"] * 2)
    frame = frame.assign(status=["planned", "existing"]).astype({"status": "str"})
    ground = make_ground(study, {"plot": frame}, capacity={"plot": capacities(CAPACITY[:2])})
    rows = burial.STEP.measure(ground).tables["burial"].set_index("scope_code")
    assert rows.loc["t1", ["n_grounds", "plots_left"]].tolist() == [1, 6.0]


def test_schematic_grounds_are_told_as_such():
    study = the_study({"plot": {"capacity_unit": "plots"}}, **SECTIONS)
    frame = places_of("plot", [A, F], township=["t1", "t2"], serves=["township"] * 2)
    frame = frame.assign(data_kind=["schematic", "surveyed"]).astype({"data_kind": "str"})
    ground = make_ground(study, {"plot": frame}, capacity={"plot": capacities(CAPACITY[:2])})
    rows = burial.STEP.measure(ground).tables["burial"].set_index("scope_code")
    assert rows["evidence"].to_dict() == {"toy": "schematic", "t1": "schematic", "t2": "data"}


def test_nobody_buried_is_never_full():
    nothing = {"per_year": np.zeros(2), "village_left": np.array([1.0, 0.0]), "township_of": np.zeros(2, np.intp)}
    assert burial.Filling(**nothing, township_left=np.array([0.0])).years() == np.inf


villages = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 20), st.integers(0, 2)), min_size=1, max_size=5
)  # places a year, plots left, township


@settings(max_examples=150)
@given(villages, st.lists(st.integers(0, 20), min_size=3, max_size=3), st.integers(0, 15))
def test_years_are_the_least_bound_of_any_set_of_villages(rows, township_left, open_left):
    """Hall's condition over all sets: the plots that they may use over the places they take a year."""
    per_year, left, township = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    filling = burial.Filling(per_year, left, township.astype(np.intp), np.array(township_left, float), float(open_left))
    bounds = [np.inf]
    for size in range(1, len(rows) + 1):
        for chosen in itertools.combinations(range(len(rows)), size):
            taken = sum(per_year[i] for i in chosen)
            if taken:
                own = sum(left[i] for i in chosen)
                towns = sum(township_left[t] for t in {int(township[i]) for i in chosen})
                bounds.append((own + towns + open_left) / taken)
    assert filling.years() == pytest.approx(min(bounds))


def test_a_service_without_a_yearly_need_is_refused():
    with pytest.raises(StudyError, match=r"'plot' has no \[\[needs\]\] in a unit that ends in _per_year"):
        the_study({"plot": {}}, measures=SECTIONS["measures"], needs=[{**NEED, "unit": "plots"}])


def test_a_factor_must_lie_within_its_range():
    wrong = [{**FACTORS[0], "low": 0.3}, FACTORS[1]]
    with pytest.raises(StudyError, match=r"low 0.3, value 0.1, high 0.2 must ascend"):
        the_study({"plot": {}}, needs=[{**NEED, "factors": wrong}])
