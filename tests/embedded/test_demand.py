import numpy as np
import pytest
import shapely

AGES = ("0_59", "60_64", "65_69", "70_79", "80_plus")


def district(shipped, item):
    table = shipped.table("sources/district_counts.csv", value=str, year=str)
    rows = table[table["item"] == item].sort_values("year", ascending=False)
    return int(rows["value"].iloc[0])


def total(demand, base, ages=AGES):
    return int(demand[[f"{base}_a{age}_{sex}" for age in ages for sex in "fm"]].to_numpy().sum())


def test_residents_and_registered_people_add_up_to_the_facts(shipped, demand):
    facts = shipped.table("sources/district_counts.csv", value=str, year=str)
    census = facts[(facts["item"] == "census resident population") & facts["year"].str.startswith("2020")]
    assert total(demand, "res") == int(census["value"].iloc[0]) == 637_921
    assert total(demand, "reg") == district(shipped, "registered population implied") == 675_600
    assert total(demand, "reg", AGES[1:]) == district(shipped, "60+ registered population") == 260_800


def test_residents_of_townships_are_the_estimates_scaled_by_largest_remainder(shipped, demand):
    facts = shipped.table("sources/townships.csv", township_code=str).set_index("township_code")
    columns = [f"res_a{age}_{sex}" for age in AGES for sex in "fm"]
    made = demand.groupby("township_code")[columns].sum().sum(axis=1)
    exact = facts["pop2020_estimate"] / facts["pop2020_estimate"].sum() * 637_921
    assert (abs(made - exact) < 1.0).all()


def test_town_people_are_the_census_urban_residents(shipped, demand):
    town = total(demand[demand["settlement_class"] == "town"], "res")
    assert town == pytest.approx(district(shipped, "census urban resident"), rel=0.01)


@pytest.mark.parametrize(("age", "percent"), [("60_64", 28.3), ("65_69", 27.9), ("70_79", 28.3), ("80_plus", 15.5)])
def test_ages_of_registered_elders_are_the_citys(demand, age, percent):
    share = total(demand, "reg", (age,)) / total(demand, "reg", AGES[1:]) * 100
    assert share == pytest.approx(percent, abs=0.02)


def test_women_among_elders_are_as_many_as_the_city_has(demand):
    women = demand[[f"reg_a{age}_f" for age in AGES[1:]]].to_numpy().sum() / total(demand, "reg", AGES[1:])
    assert women == pytest.approx(0.520, abs=0.001)
    old = demand["reg_a80_plus_f"].sum() / total(demand, "reg", ("80_plus",))
    assert old == pytest.approx(0.593, abs=0.001)


def test_11500_registered_people_of_80_live_alone_as_the_plan_says(demand):
    assert demand["reg_alone_80_plus"].sum() == 11_500


@pytest.mark.parametrize("base", ["res", "reg"])
def test_needs_never_exceed_the_people_they_are_needs_of(demand, base):
    elders = demand[[f"{base}_a{age}_{sex}" for age in AGES[1:] for sex in "fm"]].sum(axis=1)
    very_old = demand[[f"{base}_a80_plus_f", f"{base}_a80_plus_m"]].sum(axis=1)
    limited = demand[f"{base}_disabled"] + demand[f"{base}_semi_disabled"]
    assert (limited <= elders).all()
    assert (demand[f"{base}_alone_80_plus"] <= very_old).all()
    assert limited.sum() / elders.sum() == pytest.approx(0.0779, abs=0.0005)


def test_counts_are_whole_and_not_negative(demand):
    persons = demand[[name for name in demand if name.startswith(("res_", "reg_"))]]
    assert all(np.issubdtype(kind, np.integer) for kind in persons.dtypes)
    assert persons.to_numpy().min() >= 0


def test_there_are_10000_to_20000_places_and_every_village_has_some(demand, villages):
    assert 10_000 <= len(demand) <= 20_000
    assert demand["demand_id"].is_unique
    assert set(demand["village_code"]) == set(villages["village_code"])


def test_every_home_lies_in_its_village_and_township(demand, villages, townships):
    cells = villages.set_index("village_code").geometry.loc[demand["village_code"]].to_numpy()
    towns = townships.set_index("township_code").geometry.loc[demand["township_code"]].to_numpy()
    assert shapely.intersects(cells, demand.geometry.to_numpy()).all()
    assert shapely.intersects(towns, demand.geometry.to_numpy()).all()
    assert (demand["village_code"].str[:9] == demand["township_code"]).all()


@pytest.mark.parametrize(
    "kind",
    ["canal", "reservoir", "reserve", "tidal_flat", "forest_park", "forest", "farmland", "other_district", "port"],
)
def test_no_home_stands_in_water_or_on_kept_land(demand, land, kind):
    zone = shapely.union_all(land.geometry[land["kind"] == kind].to_numpy())
    shapely.prepare(zone)
    assert not shapely.contains_xy(zone, demand.geometry.x.to_numpy(), demand.geometry.y.to_numpy()).any()


def test_the_projection_begins_with_the_people_of_2020_and_is_called_an_assumption(shipped, demand):
    table = shipped.table("demand/projection.csv").set_index("year")
    assert table.loc[2020, "persons_60_plus"] == total(demand, "reg", AGES[1:])
    assert table.loc[2020, "persons_80_plus"] == total(demand, "reg", ("80_plus",))
    assert (table.loc[[2025, 2030, 2035], "kind"] == "planning assumption").all()
