"""Who is within the standard: a town worked by hand, brute force over everyone and everything, and what must hold."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import coverage, network, tables
from chongming_gis.errors import StudyError
from tests import oracle
from tests.toy import study as toy
from tests.toy.roads import BIKE, FOOT, road_tables, town

INF = np.inf

# The toy town on foot (1 m/s). d0 at P (30, 10), d1 at Q (250, -20), d2 at R (1350, 40) on the island, d3 nowhere.
# f0 at the corner F, open to all; f1 at H on the island, for village v2; f2 at A, for township t2 (d2's).
#
#              f0 at F (200, -50)     f1 at H (1400, 0)           f2 at A (0, 0)
#   d0     10 + 70 + 50 + 100 = 230   10 + 270 + 600 + 100 = 980  10 + 30 = 40
#   d1           20 + 50 + 50 = 120    20 + 50 + 600 + 100 = 770  20 + 50 + 200 = 270
#   d2   40 + 50 + 600 + 150 = 840           40 + 50 = 90         40 + 50 + 600 + 300 = 990
TIMES = np.array([[230, 980, 40], [120, 770, 270], [840, 90, 990], [INF, INF, INF]])
MAY_USE = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 0, 0]], dtype=bool)


def the_people(**changes):
    table = {
        "persons": {"all": [10, 20, 30, 5], "old": [1, 2, 0, 5]},
        "township": ["t1", "t1", "t2", None],
        "village": ["v1", "v2", "v3", None],
        "settlement": ["town", "village", "village", "village"],
    }
    return toy.demand([(30, 10), (250, -20), (1350, 40), (9000, 0)], **{**table, **changes})


def the_facilities():
    return toy.facilities(
        [(200, -50), (1400, 0), (0, 0)],
        serves=["all", "village", "township"],
        village=["v1", "v2", "v1"],
        township=["t1", "t1", "t2"],
    )


def measure(people, facilities, *, nets=None, search_limit_s=14_400.0, **changes):
    """Access and coverage of the toy study; townships t1, t2 and the empty t3, villages v1 - v3 and the empty v4."""
    study = toy.study(**changes)
    nets = nets or [network.compile_network(town(), FOOT)]
    access = coverage.measure_access(
        study.services[0],
        demand=toy.places(nets, people.points),
        facilities=toy.places(nets, facilities),
        networks={net.mode.name: net for net in nets},
        search_limit_s=search_limit_s,
    )
    shares = coverage.measure_coverage(
        access,
        demand=people,
        study=study,
        townships=toy.areas(["t1", "t2", "t3"]),
        villages=toy.areas(["v1", "v2", "v3", "v4"], tables.VILLAGES),
    )
    return access, shares


def rows_of(access, standard, rule):
    return access[(access["standard"] == standard) & (access["serves_rule"] == rule)].reset_index(drop=True)


def share_rows(shares, **wanted):
    keep = np.logical_and.reduce([shares[column] == value for column, value in wanted.items()])
    return shares[keep].set_index("scope_code")[["persons", "persons_covered", "share_covered"]]


@pytest.mark.parametrize(
    ("standard", "rule", "time_s", "facility", "n_within", "covered"),
    [
        ("walk15", "applied", [230, 120, 840, INF], ["f0", "f0", "f0", None], [1, 2, 1, 0], [1, 1, 1, 0]),
        ("walk15", "ignored", [40, 120, 90, INF], ["f2", "f0", "f1", None], [2, 3, 2, 0], [1, 1, 1, 0]),
        ("by_class", "applied", [230, 120, 840, INF], ["f0", "f0", "f0", None], [1, 2, 1, 0], [1, 1, 1, 0]),
        ("by_class", "ignored", [40, 120, 90, INF], ["f2", "f0", "f1", None], [2, 3, 2, 0], [1, 1, 1, 0]),
    ],
)
def test_access_worked_by_hand(standard, rule, time_s, facility, n_within, covered):
    """d2 is exactly on its limit of 14 minutes; d0 may not use f2 next door, d2 not f1; d1 may use its village's f1."""
    access, _ = measure(the_people(), the_facilities())
    rows = rows_of(access, standard, rule)
    assert rows["demand_id"].tolist() == ["d0", "d1", "d2", "d3"]
    np.testing.assert_allclose(rows["time_s"], time_s)
    assert rows["facility_id"].astype(object).where(rows["facility_id"].notna(), None).tolist() == facility
    assert rows["n_within"].tolist() == n_within
    assert rows["covered"].tolist() == [bool(c) for c in covered]
    limits = [900] * 4 if standard == "walk15" else [240, 840, 840, 840]
    assert rows["standard_s"].tolist() == limits
    assert (rows["service"] == "meal").all()


def test_shares_worked_by_hand():
    """65 people, 60 within; t3 and v4 are empty; the unreachable d3 lies in no township."""
    _, shares = measure(the_people(), the_facilities())
    one = {"standard": "walk15", "serves_rule": "applied", "base": "resident"}
    everyone = share_rows(shares, scope="district", group="all", **one)
    assert everyone.loc["toy"].tolist() == [65.0, 60.0, pytest.approx(60 / 65)]
    assert share_rows(shares, scope="district", group="old", **one).loc["toy"].tolist() == [8.0, 3.0, 0.375]
    townships = share_rows(shares, scope="township", group="all", **one)
    assert townships.loc[["t1", "t2"]].to_numpy().tolist() == [[30, 30, 1], [30, 30, 1]]
    assert townships.loc["t3", ["persons", "persons_covered"]].tolist() == [0.0, 0.0]
    assert np.isnan(townships.loc["t3", "share_covered"])
    villages = share_rows(shares, scope="village", group="all", **one)
    assert villages.loc[["v1", "v2", "v3"]].to_numpy().tolist() == [[10, 10, 1], [20, 20, 1], [30, 30, 1]]
    assert np.isnan(villages.loc["v4", "share_covered"])
    assert set(shares.loc[shares["scope"] == "village", "group"]) == {"all"}  # the service's own group only
    old = share_rows(shares, scope="township", group="old", **one)
    assert (old.loc["t2", "persons"], np.isnan(old.loc["t2", "share_covered"])) == (0.0, True)


def test_both_tables_satisfy_their_contracts():
    for people in (the_people(), the_people(island=["岛", None, None, None], township=[None] * 4)):
        access, shares = measure(people, the_facilities())
        tables.validate(access, tables.ACCESS, where="access")
        tables.validate(shares, tables.COVERAGE, where="coverage")


def test_uncovered_is_nought_and_unpopulated_is_missing():
    """With 3 minutes only d1 (120 s) is within: t1 has 20 of 30, t2 has 0 of 30, t3 nobody at all."""
    limits = [{"mode": "foot", "minutes": 3}]
    _, shares = measure(the_people(), the_facilities(), services__0__standards__0__limits=limits)
    rows = share_rows(shares, scope="township", group="all", standard="walk15", serves_rule="applied")
    assert rows.loc["t1"].tolist() == [30.0, 20.0, pytest.approx(2 / 3)]
    assert rows.loc["t2"].tolist() == [30.0, 0.0, 0.0]
    assert rows.loc["t3", "persons_covered"] == 0.0
    assert np.isnan(rows.loc["t3", "share_covered"])


def test_names_modes_and_limits_are_written_beside_the_shares():
    _, shares = measure(the_people(island=["岛", "岛", None, None]), the_facilities())
    assert set(shares.loc[shares["standard"] == "walk15", "mode"]) == {"foot"}
    assert set(shares.loc[shares["standard"] == "walk15", "standard_s"]) == {900.0}
    assert shares.loc[shares["standard"] == "by_class", "standard_s"].isna().all()
    townships = shares[shares["scope"] == "township"].drop_duplicates("scope_code")
    assert townships.set_index("scope_code")["name_zh"].to_dict() == {"t1": "区t1", "t2": "区t2", "t3": "区t3"}
    islands = share_rows(shares, scope="island", group="all", standard="walk15", serves_rule="applied")
    assert islands.loc["岛"].tolist() == [30.0, 30.0, 1.0]
    assert shares.loc[shares["scope"] == "district", "name_zh"].unique().tolist() == ["名"]


def test_modes_that_differ_between_classes_are_measured_each_by_its_own():
    """d0 (town) walks 230 s to f0; d1 (village) rides 20 + 100 / 5 = 40 s, d2 40 + 10 + 600 + 30 = 680 s."""
    nets = [network.compile_network(town(), mode) for mode in (FOOT, BIKE)]
    limits = [
        {"settlement": "town", "mode": "foot", "minutes": 4},
        {"settlement": "village", "mode": "bike", "minutes": 1},
    ]
    access, shares = measure(
        the_people(), the_facilities(), nets=nets, services__0__standards__1__limits=limits,
    )  # fmt: skip
    rows = rows_of(access, "by_class", "applied")
    assert rows["mode"].tolist() == ["foot", "bike", "bike", "bike"]
    np.testing.assert_allclose(rows["time_s"], [230, 40, 680, INF])
    assert rows["covered"].tolist() == [True, True, False, False]
    assert set(shares.loc[shares["standard"] == "by_class", "mode"]) == {"by_settlement"}


def test_a_delivery_comes_along_the_one_way():
    """By bicycle from d0 to d1's street takes 10 + 220 / 5 + 20 = 74 s; back it is 94 s round by E."""
    nets = [network.compile_network(town(), BIKE)]
    limits = [{"mode": "bike", "minutes": 1.5}]
    for direction, seconds in (("to_facility", 74.0), ("from_facility", 94.0)):
        access, _ = measure(
            the_people(), toy.facilities([(250, -20)]), nets=nets, services__0__direction=direction,
            services__0__standards__0__limits=limits, services__0__standards__1__limits=limits,
        )  # fmt: skip
        rows = rows_of(access, "walk15", "applied")
        assert rows["time_s"][0] == pytest.approx(seconds)
        assert (rows["covered"][0], rows["n_within"][0]) == (seconds < 90, int(seconds < 90))


def test_own_facilities_are_measured_in_the_direction_of_the_service():
    nets = [network.compile_network(town(), BIKE)]
    limits = [{"mode": "bike", "minutes": 1.5}]
    own = toy.facilities([(250, -20)], serves=["village"], village=["v1"])
    for direction, seconds in (("to_facility", 74.0), ("from_facility", 94.0)):
        access, _ = measure(
            the_people(), own, nets=nets, services__0__direction=direction,
            services__0__standards__0__limits=limits, services__0__standards__1__limits=limits,
        )  # fmt: skip
        rows = rows_of(access, "walk15", "applied")
        np.testing.assert_allclose(rows["time_s"], [seconds, INF, INF, INF])


@pytest.mark.parametrize("minutes", [4.1, 8.2, 9.95, 16.4, 17.9])
def test_someone_exactly_on_the_limit_is_within_it_whatever_the_minutes(minutes):
    """4.1 x 60 is 245.99999999999997 in binary; a walk of 246 s is within 4.1 minutes all the same."""
    metres = round(minutes * 60)
    roads = road_tables({1: (0, 0), 2: (metres, 0)}, [(1, 2, {"highway": "path"})])
    nets = [network.compile_network(roads, FOOT)]
    people = toy.demand([(0, 0)], persons={"all": [1], "old": [1]}, township=["t1"], village=["v1"])
    limits = [{"mode": "foot", "minutes": minutes}]
    access, shares = measure(
        people, toy.facilities([(metres, 0)]), nets=nets,
        services__0__standards__0__limits=limits, services__0__standards__1__limits=limits,
    )  # fmt: skip
    assert access["time_s"].tolist() == [float(metres)] * 2
    assert (access["covered"].tolist(), access["n_within"].tolist()) == ([True] * 2, [1] * 2)
    assert shares.loc[shares["scope"] == "district", "share_covered"].tolist() == [1.0] * 4


def test_the_search_limit_never_cuts_a_standard_short():
    """d2 is 840 s from f0: within 14 minutes, though places beyond 10 minutes count as not reached otherwise."""
    access, _ = measure(the_people(), toy.facilities([(200, -50)]), search_limit_s=600.0)
    rows = rows_of(access, "by_class", "applied")
    assert rows["time_s"].tolist() == [230.0, 120.0, 840.0, INF]
    assert (rows["covered"].tolist(), rows["n_within"].tolist()) == ([True] * 3 + [False], [1, 1, 1, 0])


def test_beyond_the_search_limit_nothing_is_reached():
    limits = [{"mode": "foot", "minutes": 1}]
    changes = {"services__0__standards__0__limits": limits, "services__0__standards__1__limits": limits}
    for serves, village in (("all", None), ("village", ["v3"])):
        own = toy.facilities([(200, -50)], serves=[serves], village=village)
        for search_limit_s, seconds in ((840.0, 840.0), (839.0, INF)):
            access, _ = measure(the_people(), own, search_limit_s=search_limit_s, **changes)
            assert rows_of(access, "walk15", "applied")["time_s"][2] == seconds


def test_without_a_search_limit_the_search_ends():
    """A villager who cannot reach the own room at all is not reached, however far the search goes."""
    people = the_people(village=["v1", "v2", "v3", "v9"])
    own = toy.facilities([(0, 0)], serves=["village"], village=["v9"])
    access, _ = measure(people, own, search_limit_s=INF)
    assert rows_of(access, "walk15", "applied")["time_s"].tolist() == [INF] * 4


def test_the_serves_rule_is_one_table_where_it_binds_nobody():
    for serves in ("all", "district"):
        access, shares = measure(the_people(), toy.facilities([(200, -50)], serves=[serves]))
        assert set(access["serves_rule"]) == set(shares["serves_rule"]) == {"applied"}
        assert len(access) == 8


def test_a_restricted_facility_without_its_code_is_used_by_nobody():
    """A missing code equals no other missing code: d3, of no village, may not use it either."""
    people = the_people(village=["v1", None, None, None], township=["t1", None, None, None])
    lost = toy.facilities([(30, 0), (250, 0)], serves=["village", "township"])
    access, _ = measure(people, lost)
    rows = rows_of(access, "walk15", "applied")
    assert rows["time_s"].tolist() == [INF] * 4
    assert rows["n_within"].tolist() == [0] * 4
    assert rows_of(access, "walk15", "ignored")["covered"].tolist() == [True, True, True, False]


def test_a_village_and_a_township_with_one_code_are_two():
    people = the_people(village=["x", "y", "z", None], township=["y", "x", "q", None])
    own = toy.facilities([(200, -50)], serves=["village"], village=["x"], township=["y"])
    access, _ = measure(people, own)
    assert rows_of(access, "walk15", "applied")["time_s"].tolist() == [230.0, INF, INF, INF]


def test_of_equally_far_facilities_the_first_is_named_whoever_may_use_it():
    """Two in one place: open and own, in either order."""
    for serves in (["all", "village"], ["village", "all"], ["village", "village"]):
        own = toy.facilities([(200, -50)] * 2, serves=serves, village=["v1", "v1"])
        access, _ = measure(the_people(), own)
        rows = rows_of(access, "walk15", "applied")
        assert (rows["facility_id"][0], rows["time_s"][0], rows["n_within"][0]) == ("f0", 230.0, 2)


def test_a_settlement_class_without_a_limit_is_named():
    people = the_people(settlement=["town", "hamlet", "village", "village"])
    with pytest.raises(StudyError, match=r"services\.meal\.standards\.by_class.*hamlet"):
        measure(people, the_facilities())


# brute force -------------------------------------------------------------------------------------------------------


@st.composite
def districts(draw):
    """A lattice of streets with one-ways, people in three villages of two townships (some in none), facilities for all,
    a township or a village (some without a code), limits, a direction and a search limit.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side = 5
    nodes = {side * r + c: (100 * c, 100 * r) for r in range(side) for c in range(side)}
    roads = []
    for i in nodes:
        for j in ([i + 1] if i % side < side - 1 else []) + ([i + side] if i < side * (side - 1) else []):
            if rng.random() < 0.85:
                tags = {"highway": "residential", "oneway": "yes" if rng.random() < 0.4 else None}
                roads.append((i, j, {**tags, "length_m": float(rng.integers(90, 200))}))
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    villages, townships = np.array(["v1", "v2", "v3", None], object), np.array(["t1", "t1", "t2", None], object)
    home, base = rng.integers(0, 4, n), rng.integers(0, 4, m)
    spread = (-30, 100 * side - 70)
    people = toy.demand(
        [tuple(at) for at in rng.uniform(*spread, (n, 2))],
        persons={"all": rng.integers(0, 9, n), "old": rng.integers(0, 3, n)},
        township=townships[home], village=villages[home],
        settlement=list(rng.choice(["town", "village"], n)),
    )  # fmt: skip
    places = toy.facilities(
        [tuple(at) for at in rng.uniform(*spread, (m, 2))],
        serves=list(rng.choice(["all", "district", "township", "village"], m)),
        township=townships[base], village=villages[base],
    )  # fmt: skip
    minutes = draw(st.sampled_from([(0.2, 0.5), (1.0, 1.5), (3.0, 2.0)]))
    limits = [
        {"settlement": c, "mode": "bike", "minutes": m} for c, m in zip(("town", "village"), minutes, strict=True)
    ]
    changes = {
        "services__0__standards__1__limits": limits,
        "services__0__standards__0__limits": [{"mode": "bike", "minutes": minutes[0]}],
        "services__0__direction": draw(st.sampled_from(["to_facility", "from_facility"])),
    }
    mode = dataclasses.replace(BIKE, max_snap_m=150.0, tiny_piece_m=0.0)
    return road_tables(nodes, roads), mode, people, places, changes, draw(st.sampled_from([60.0, 400.0, 14_400.0]))


def allowed(people, places):
    """Who may use what, one pair at a time."""
    may = np.zeros((len(people), len(places)), dtype=bool)
    for i, person in enumerate(people.to_dict("records")):
        for j, place in enumerate(places.to_dict("records")):
            if place["serves"] in {"all", "district"}:
                may[i, j] = True
            else:
                code = f"{place['serves']}_code"
                may[i, j] = isinstance(person[code], str) and person[code] == place[code]
    return may


@settings(max_examples=25)
@given(districts())
def test_everyone_and_everything_equals_brute_force(district):
    """The ring search, the counts and the shares equal a table of all pairs with a rule of all pairs."""
    roads, mode, people, places, changes, search_limit_s = district
    net = network.compile_network(roads, mode)
    access, shares = measure(people, places, nets=[net], search_limit_s=search_limit_s, **changes)
    here, there = (network.snap_points(net, frame.geometry) for frame in (people.points, places))
    slow = oracle.SlowNetwork(roads, mode)
    if changes["services__0__direction"] == "to_facility":
        times = oracle.slow_times(slow, net, here, there)
    else:
        times = oracle.slow_times(slow, net, there, here).T
    study = toy.study(**changes)
    settlement = people.points["settlement_class"].tolist()
    for (standard, rule), rows in access.groupby(["standard", "serves_rule"]):
        may = allowed(people.points, places) if rule == "applied" else np.ones_like(times, dtype=bool)
        usable = np.where(may, times, INF)
        by_class = {
            limit.settlement: limit.limit_s for limit in study.services[0].standards[standard == "by_class"].limits
        }
        limit = np.array([by_class.get(c, by_class.get("all")) for c in settlement])
        reach = max([search_limit_s, *(lim.limit_s for s in study.services[0].standards for lim in s.limits)])
        oracle.assert_same_times(rows["time_s"].to_numpy(), usable.min(axis=1), cutoff_s=reach)
        within = usable <= limit[:, np.newaxis] + 1e-7
        assert rows["n_within"].tolist() == within.sum(axis=1).tolist()
        assert rows["covered"].tolist() == within.any(axis=1).tolist()
        chosen = rows["facility_id"]
        assert (chosen.notna() == np.isfinite(rows["time_s"])).all()
        at = np.flatnonzero(chosen.notna().to_numpy())
        named = places["facility_id"].tolist()
        found = [usable[i, named.index(chosen.iloc[i])] for i in at]
        np.testing.assert_allclose(found, rows["time_s"].to_numpy()[at], rtol=0, atol=1e-6)
        _assert_shares(shares, people, within.any(axis=1), standard=standard, rule=rule)


def _assert_shares(shares, people, covered, *, standard, rule):
    for group, scope in (("all", "district"), ("all", "township"), ("old", "township"), ("all", "village")):
        rows = share_rows(shares, standard=standard, serves_rule=rule, group=group, scope=scope)
        persons = people.persons[f"resident:{group}"].to_numpy()
        for code, row in rows.iterrows():
            lives = (
                np.ones(len(persons), bool)
                if scope == "district"
                else (people.points[f"{scope}_code"] == code).to_numpy()
            )
            total, reached = persons[lives].sum(), persons[lives & covered].sum()
            assert (row["persons"], row["persons_covered"]) == (total, reached)
            assert (
                np.isnan(row["share_covered"]) if total == 0 else row["share_covered"] == pytest.approx(reached / total)
            )


@settings(max_examples=12)
@given(districts())
def test_one_facility_more_never_harms_anyone(district):
    """No time grows, nobody falls out, no share falls; and people are neither made nor lost."""
    roads, mode, people, places, changes, search_limit_s = district
    nets = [network.compile_network(roads, mode)]
    results = [
        measure(people, some, nets=nets, search_limit_s=search_limit_s, **changes)
        for some in (places.iloc[:-1], places)
        if len(some)
    ]
    keys = ["demand_id", "standard", "serves_rule"]
    if len(results) == 2:
        both = results[0][0].merge(results[1][0], on=keys, suffixes=("_less", "_more"))
        assert (both["time_s_more"] <= both["time_s_less"]).all()
        assert (both["covered_more"] >= both["covered_less"]).all()
        assert (both["n_within_more"] >= both["n_within_less"]).all()
        keys = ["scope", "scope_code", "standard", "serves_rule", "group"]
        both = results[0][1].merge(results[1][1], on=keys, suffixes=("_less", "_more"))
        assert (both["persons_more"] == both["persons_less"]).all()
        assert (both["persons_covered_more"] >= both["persons_covered_less"]).all()
    _, shares = results[-1]
    for _, rows in shares.groupby(["standard", "serves_rule", "group"]):
        total = people.persons["resident:" + rows["group"].iloc[0]].sum()
        assert rows.loc[rows["scope"] == "district", "persons"].tolist() == [total]
        nowhere = people.points["township_code"].isna().to_numpy()
        unassigned = people.persons["resident:" + rows["group"].iloc[0]][nowhere].sum()
        assert rows.loc[rows["scope"] == "township", "persons"].sum() + unassigned == total
    assert (shares["persons_covered"] <= shares["persons"]).all()


@settings(max_examples=8)
@given(districts(), st.integers(0, 999))
def test_dividing_or_turning_people_changes_no_share(district, seed):
    """Each point in two with its persons divided between them, and all of them in another order: the same shares."""
    roads, mode, people, places, changes, search_limit_s = district
    nets = [network.compile_network(roads, mode)]
    rng = np.random.default_rng(seed)
    n = len(people.points)
    rows = rng.permutation(np.repeat(np.arange(n), 2))
    part = np.zeros(2 * n)
    for i in range(n):
        part[np.flatnonzero(rows == i)] = rng.permutation([0.25, 0.75])
    points = people.points.iloc[rows].reset_index(drop=True).assign(demand_id=[f"e{i}" for i in range(2 * n)])
    persons = people.persons.iloc[rows].mul(part, axis=0).set_axis(pd.Index(points["demand_id"]))
    one = measure(people, places, nets=nets, search_limit_s=search_limit_s, **changes)[1]
    other = measure(tables.Demand(points, persons), places, nets=nets, search_limit_s=search_limit_s, **changes)[1]
    keys = ["scope", "scope_code", "standard", "serves_rule", "group"]
    assert other[keys].to_numpy().tolist() == one[keys].to_numpy().tolist()
    for column in ("persons", "persons_covered", "share_covered"):
        np.testing.assert_allclose(other[column], one[column], rtol=1e-12)


def test_turning_the_facilities_changes_nothing_but_their_order():
    people, places = the_people(), the_facilities()
    one = measure(people, places)[0]
    other = measure(people, places.iloc[[2, 0, 1]].reset_index(drop=True))[0]
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_tables_are_the_same_bytes_on_any_number_of_threads(monkeypatch, threads):
    monkeypatch.setenv("CHONGMING_THREADS", "3")
    expected = measure(the_people(), the_facilities())
    monkeypatch.setenv("CHONGMING_THREADS", threads)
    for one, other in zip(measure(the_people(), the_facilities()), expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
