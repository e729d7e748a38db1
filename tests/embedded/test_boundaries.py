import shapely


def known(shipped):
    codes = {"township_code": str}
    return shipped.table("sources/townships.csv", **codes).set_index("township_code")


def test_the_18_townships_carry_the_codes_and_names_of_the_facts(shipped, townships):
    facts = known(shipped)
    assert dict(zip(townships["township_code"], townships["name_zh"], strict=True)) == facts["name_zh"].to_dict()


def test_each_township_is_one_piece_within_20_percent_of_its_known_area_and_holds_its_seat(shipped, townships):
    facts = known(shipped).loc[townships["township_code"]]
    deviation = townships.geometry.area.to_numpy() / 1e6 / facts["area_km2"].to_numpy() - 1
    assert abs(deviation).max() < 0.20
    assert (townships.geometry.geom_type == "Polygon").all()
    in_degrees = townships.to_crs("EPSG:4326").geometry.to_numpy()
    assert shapely.contains_xy(in_degrees, facts["seat_lon"].to_numpy(), facts["seat_lat"].to_numpy()).all()


def test_townships_share_borders_but_no_ground_and_stay_on_their_island(shipped, townships):
    islands = shipped.layer("boundaries/islands.parquet").set_index("island").geometry
    whole = shapely.union_all(townships.geometry.to_numpy())
    assert abs(townships.geometry.area.sum() - whole.area) < 2000.0  # rounding of coordinates to 0.1 m
    for island, cells in townships.groupby("island"):
        assert cells.geometry.difference(islands[island].buffer(2.0)).area.sum() == 0.0
    assert islands["Changxing"].distance(islands["Hengsha"]) > 500.0
    assert islands["Changxing"].distance(islands["Chongming"]) > 2000.0


def test_the_358_villages_are_those_of_the_official_list_inside_their_township(shipped, townships, villages):
    text = {"village_code": str, "township_code": str}
    listed = shipped.table("sources/villages.csv", **text)
    real = listed[listed["kind"] != "其他"].set_index("village_code")
    assert len(villages) == 358
    assert dict(zip(villages["village_code"], villages["name_zh"], strict=True)) == real["name_zh"].to_dict()
    assert villages["kind"].value_counts().to_dict() == {"village": 268, "neighbourhood": 90}
    towns = townships.set_index("township_code").geometry.buffer(2.0)
    around = towns.loc[villages["township_code"]].to_numpy()
    outside = shapely.area(shapely.difference(villages.geometry.to_numpy(), around))
    assert outside.max() == 0.0
    assert abs(villages.geometry.area.sum() - townships.geometry.area.sum()) < 5000.0


def test_the_three_virtual_units_stand_apart(shipped, villages):
    virtual = shipped.table("boundaries/virtual_units.csv", village_code=str)
    assert len(virtual) == 3
    assert not set(virtual["village_code"]) & set(villages["village_code"])


def test_every_zone_of_the_study_is_in_the_land_layer_and_schematic(land):
    assert set(land["kind"]) == {
        "coast", "dyke", "reserve", "tidal_flat", "other_district", "port", "reservoir", "reservoir_protection",
        "forest_park", "forest", "farmland", "canal", "built_up",
    }  # fmt: skip
    assert (land["data_kind"] == "schematic").all()
    assert land["rule"].notna().all()
    assert land.geometry.is_valid.all()


def test_land_that_is_no_townships_overlaps_none(land, townships):
    whole = shapely.union_all(townships.geometry.to_numpy())
    for kind in ("reserve", "tidal_flat", "other_district", "port", "reservoir"):
        zone = shapely.union_all(land.geometry[land["kind"] == kind].to_numpy())
        assert shapely.intersection(zone, whole).area < 5000.0, kind


def test_reservoirs_lie_in_the_water(shipped, land):
    islands = shapely.union_all(shipped.layer("boundaries/islands.parquet").geometry.to_numpy())
    assert land.geometry[land["kind"] == "reservoir"].distance(islands).min() > 10.0
