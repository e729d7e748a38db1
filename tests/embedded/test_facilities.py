import pandas as pd
import pytest
import shapely

from chongming_gis.config import read_study
from chongming_gis.tables import DATA_KINDS, LEVELS, SERVES, STATUSES


def counts(shipped):
    table = shipped.table("sources/facility_counts.csv").fillna({"kind": ""})
    return {(row.service, row.kind): row.value for row in table.itertuples()}


def existing(shipped, service):
    table = shipped.facilities(service)
    return table[table["status"] == "existing"]


def test_every_count_is_that_of_the_facts(shipped, services):
    facts = counts(shipped)
    for service in set(services) - {"community_affairs"}:
        assert len(existing(shipped, service)) == facts[(service, "")], service
    kinds = existing(shipped, "community_affairs")["kind"].value_counts()
    assert kinds["centre"] == facts[("community_affairs", "centre")] == 18
    assert kinds["former_town_unit"] == facts[("community_affairs", "former_town_unit")] == 10


@pytest.mark.parametrize(
    ("service", "item"),
    [
        ("elder_home", "养老机构 (elder-care institutions)"),
        ("elder_centre", "社区综合为老服务中心"),
        ("day_care", "老年人日间照护中心"),
        ("small_home", "长者照护之家"),
        ("activity_room", "标准化老年活动室"),
        ("neighbourly_point", "示范睦邻点"),
        ("burial_ground", "公益性埋葬地"),
        ("columbarium", "公益性骨灰堂"),
    ],
)
def test_counts_carried_over_twice_agree(shipped, service, item):
    plan = shipped.table("sources/district_counts.csv", value=str).set_index("item")["value"]
    assert len(existing(shipped, service)) == int(plan[item])


def test_beds_meals_and_dementia_beds_sum_to_the_plans(shipped):
    homes = existing(shipped, "elder_home")
    beds = homes["capacity_beds"].sum()
    beds += (
        existing(shipped, "small_home")["capacity_beds"].sum() + existing(shipped, "day_care")["capacity_beds"].sum()
    )
    assert beds == 8439
    assert homes["capacity_nursing_beds"].sum() == round(0.30 * 8439)
    assert homes["capacity_dementia_beds"].sum() == 200
    assert (homes["capacity_nursing_beds"] <= homes["capacity_beds"]).all()
    assert homes["capacity_beds"].min() >= 20  # JGJ 450-2018, 1.0.2
    assert existing(shipped, "meal_point")["capacity_meals_per_day"].sum() == 5500


def test_the_2022_scenario_has_111_meal_points(shipped):
    table = shipped.facilities("meal_point")
    opened = (table["status"] == "existing") | (table["open_year"] <= 2022)
    assert opened.sum() == 111


def test_rental_sites_stand_in_13_of_18_townships(shipped):
    assert existing(shipped, "rehab_rental")["township_code"].nunique() == 13


def test_burial_places_use_no_more_than_they_have_and_the_moved_graves_in_all(shipped):
    both = pd.concat([existing(shipped, "burial_ground"), existing(shipped, "columbarium")])
    assert (both["used_plots"] <= both["capacity_plots"]).all()
    assert both["used_plots"].sum() == 41_994


def test_words_are_those_of_the_contract_and_ids_are_unique(shipped, services):
    ids = []
    for service in services:
        table = shipped.facilities(service)
        assert set(table["level"]) <= set(LEVELS)
        assert set(table["serves"]) <= set(SERVES)
        assert set(table["status"]) <= set(STATUSES)
        assert set(table["data_kind"]) <= set(DATA_KINDS)
        assert table[["facility_id", "name_zh", "site_id", "township_code", "source"]].notna().all().all()
        assert (table["service"] == service).all()
        ids += table["facility_id"].to_list()
    assert len(ids) == len(set(ids))


def test_what_serves_a_village_or_township_names_it(shipped, services):
    for service in services:
        table = shipped.facilities(service)
        assert table.loc[table["serves"] == "village", "village_code"].notna().all()
    rooms = shipped.facilities("activity_room")
    assert (rooms["serves"] == "village").all()
    assert set(shipped.facilities("burial_ground")["serves"]) == {"township", "village"}


def test_every_facility_lies_in_the_township_and_village_it_names(shipped, services, townships, villages):
    towns = townships.set_index("township_code").geometry
    cells = villages.set_index("village_code").geometry
    for service in services:
        table = shipped.facilities(service)
        at = table.geometry.to_numpy()
        assert shapely.intersects(towns.loc[table["township_code"]].to_numpy(), at).all(), service
        existing_rows = (table["status"] == "existing") & (table["service"] != "cemetery")
        held = shapely.intersects(cells.loc[table["village_code"]].to_numpy(), at)
        assert held[existing_rows].all(), service


def test_no_facility_stands_in_water(shipped, services, land):
    water = shapely.union_all(land.geometry[land["kind"].isin(["canal", "reservoir"])].to_numpy())
    shapely.prepare(water)
    for service in services:
        table = shipped.facilities(service)
        assert not shapely.contains_xy(water, table.geometry.x, table.geometry.y).any(), service


def test_burial_grounds_keep_off_farmland_woods_homes_and_roads(shipped, land, demand, roads):
    grounds = shipped.facilities("burial_ground")
    at = grounds.geometry.to_numpy()
    kept = land[land["kind"].isin(["farmland", "forest", "forest_park", "reserve", "reservoir_protection"])]
    assert not shapely.intersects(shapely.union_all(kept.geometry.to_numpy()), at).any()
    _, to_homes = shapely.STRtree(demand.geometry.to_numpy()).query_nearest(at, return_distance=True, all_matches=False)
    assert to_homes.min() >= 100.0
    _, to_roads = shapely.STRtree(roads.geometry.to_numpy()).query_nearest(at, return_distance=True, all_matches=False)
    assert to_roads.min() >= 30.0


def test_named_institutions_keep_name_and_township_and_all_others_are_called_by_kind(shipped, services):
    named = set(shipped.table("sources/facilities_named.csv")["name_zh"])
    towns = shipped.table("sources/townships.csv")["name_zh"]
    found = set()
    for service in services:
        table = shipped.facilities(service)
        sourced = table["data_kind"] == "sourced"
        assert set(table.loc[sourced, "name_zh"]) <= named
        found |= set(table.loc[sourced, "name_zh"])
        rest = table.loc[~sourced, "name_zh"]
        assert rest.str.startswith(tuple(towns)).all()
        assert rest.str.contains(r"\d\d\)?$").all()
    assert named - found == {"崇明区中心医院/新华医院崇明分院"}  # a hospital is no service of the plan


def test_things_at_one_site_stand_at_one_place(shipped, services):
    every = pd.concat([shipped.facilities(service) for service in services])
    places = every.groupby("site_id")[["lon", "lat"]].nunique()
    assert (places == 1).all().all()


def test_the_study_file_reads_and_names_a_source_for_everything(shipped, services):
    study = read_study(shipped.folder.parent / "studies" / "chongming.toml")
    assert sorted(service.id for service in study.services) == services
    assert all(study.resolve(service.facilities.path).exists() for service in study.services)
    assert all(len(standard.source) > 3 for service in study.services for standard in service.standards)
    assert {service.facilities.kind for service in study.services} == {"schematic"}
