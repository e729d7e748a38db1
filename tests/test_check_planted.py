"""A table of 5,000 facilities with forty kinds of planted faults: each is told, in its row, and no other row is.

The town is fifty streets from west to east, 40 km long and 400 m apart, in two townships; a hundred facilities stand
25 m north of each street.
"""

from __future__ import annotations

import csv
import json

import pyproj
import pytest

from chongming_gis import pipeline
from chongming_gis.config import read_study
from tests.test_cli import STUDY

STREETS, BY_STREET = 50, 100
WEST, SOUTH = 330_000.0, 3_500_000.0
HEADER = [
    *("facility_id", "name_zh", "township_code", "village_code", "site_id", "level", "serves", "status"),
    *("open_year", "close_year", "standardised", "lon", "lat", "position_quality_m", "data_kind"),
    *("capacity_beds", "used_beds"),
]
TO_DEGREES = pyproj.Transformer.from_crs("EPSG:32651", "EPSG:4326", always_xy=True)
AREAS = {
    "region": [("r", "", -2000, -2000, 43_000, 22_000)],
    "townships": [("t1", "", -500, -500, 20_000, 20_500), ("t2", "", 20_000, -500, 41_000, 20_500)],
    "land": [("l1", "coast", -1500, -1500, 42_500, 21_500), ("l2", "reservoir", 5000, 4150, 5400, 4350)],
}


def degrees(x, y):
    return TO_DEGREES.transform(WEST + x, SOUTH + y)


def at(x, y, decimals=6):
    return {name: f"{value:.{decimals}f}" for name, value in zip(("lon", "lat"), degrees(x, y), strict=True)}


def place(k):
    """Where record k stands; no two longitudes are equal."""
    street, number = divmod(k, BY_STREET)
    return 200.0 + 390.0 * number + 0.37 * street, 400.0 * street + 25.0


def clean(k):
    x, y = place(k)
    row = dict.fromkeys(HEADER, "") | at(x, y)
    row |= {"facility_id": f"f{k:04d}", "name_zh": f"{k:04d}号院", "level": "township", "serves": "all"}
    row |= {"township_code": "t1" if x < 20_000 else "t2", "status": "existing", "data_kind": "sourced"}
    return row | {"capacity_beds": str(40 + (k * 7) % 30), "used_beds": str(20 + k % 15)}


def near(k, east):
    x, y = place(k)
    return at(x + east, y)


#: number of a record -> what is written into it, the rule that must tell it, and the record in which it is told.
PLANTED = {
    40: ({"facility_id": "f0030"}, "id_repeated", 40),
    90: ({"name_zh": ""}, "name_missing", 90),
    140: ({"lon": ""}, "position_missing", 140),
    190: ({"lat": "北纬"}, "position_missing", 190),
    240: ({"lon": "31.62", "lat": "121.21"}, "position_swapped", 240),
    290: ({"lon": "331500", "lat": "3500200"}, "position_in_metres", 290),
    340: ({"lon": "1212.1"}, "position_range", 340),
    390: ({"capacity_beds": "-5"}, "capacity_negative", 390),
    440: ({"capacity_beds": "若干"}, "capacity_text", 440),
    490: ({"level": "省级"}, "word_unknown", 490),
    540: ({"serves": "邻居"}, "word_unknown", 540),
    590: ({"status": "传说"}, "word_unknown", 590),
    640: ({"data_kind": "听说"}, "word_unknown", 640),
    690: ({"open_year": "去年"}, "year", 690),
    715: ({"close_year": "去年"}, "year", 715),
    740: ({"standardised": "也许"}, "claim", 740),
    790: ({"position_quality_m": "-1"}, "position_quality", 790),
    840: ({"capacity_beds": "", "used_beds": "3"}, "capacity_used_alone", 840),
    890: ({"used_beds": "-3"}, "capacity_negative", 890),
    940: ({"name_zh": "锟斤拷锟斤拷"}, "text_garbled", 940),
    990: ({"used_beds": "不详之数"}, "capacity_text", 990),
    1040: (at(-3000.0, 425.0), "outside_region", 1040),
    1090: (at(45_000.0, 425.0), "outside_region", 1090),
    1140: (at(10_050.0, 30_000.0), "outside_region", 1140),
    1165: (at(10_050.0, -9_000.0), "outside_region", 1165),
    1240: (at(5200.0, 4250.0), "in_water", 1240),
    1290: (at(42_600.0, 4025.0) | {"township_code": ""}, "off_land", 1290),
    1340: ({"lon": "", "lat": ""}, "place_nothing_named", 1340),
    1315: ({"township_code": "t2"}, "outside_township", 1315),
    1365: ({"township_code": "t9"}, "township_unknown", 1365),
    1440: (at(15_250.0, -700.0) | {"township_code": ""}, "in_no_township", 1440),
    1490: (near(1491, 100.0) | {"name_zh": "1491号院"}, "same_name_near", 1491),
    1540: (near(1541, 1.0), "same_spot", 1541),
    1590: (at(*place(1590), decimals=3), "coarse_position", 1590),
    1690: (at(*place(1690), decimals=2) | {"township_code": ""}, "coarse_position", 1690),
    1740: ({"capacity_beds": "90000", "used_beds": ""}, "capacity_odd", 1740),
    1790: ({"capacity_beds": "1", "used_beds": ""}, "capacity_odd", 1790),
    1840: ({"capacity_beds": "0", "used_beds": ""}, "capacity_zero", 1840),
    1890: ({"capacity_beds": "40", "used_beds": "400"}, "capacity_overused", 1890),
    1940: ({"serves": "village"}, "serves_no_village", 1940),
    1990: (at(30_250.0, 20_300.0), "facility_off_road", 1990),
    2040: ({"township_code": "", "serves": "township"} | at(25_250.0, -700.0), "serves_no_township", 2040),
}
TOLD_TOO = {30}  # the other one of an id that is given twice


def feature(properties, kind, coordinates):
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def save(path, features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def ring(west, south, east, north):
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [[degrees(x, y) for x, y in corners]]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    junctions = [degrees(0.0, 400.0 * street) for street in range(STREETS)]
    lines = [[start, degrees(40_000.0, 400.0 * street)] for street, start in enumerate(junctions)]
    save(
        folder / "roads.geojson", [feature({"highway": "residential"}, "LineString", li) for li in [junctions, *lines]]
    )
    for name, areas in AREAS.items():
        key = {"region": "id", "townships": "township_code", "land": "land_id"}[name]
        rows = [
            feature({key: code, "kind": kind, "name_zh": f"{code}区", "data_kind": "sourced"}, "Polygon", ring(*box))
            for code, kind, *box in areas
        ]
        save(folder / f"{name}.geojson", rows)
    rows = [clean(k) | PLANTED.get(k, ({},))[0] for k in range(STREETS * BY_STREET)]
    with (folder / "places.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    people = [("w", *degrees(350.5, 30.3)), ("e", *degrees(39_350.5, 30.3))]
    lines = [f"{name},{lon:.6f},{lat:.6f},100,40" for name, lon, lat in people]
    (folder / "people.csv").write_text("demand_id,lon,lat,population,old\n" + "\n".join(lines), encoding="utf-8")
    sections = "".join(
        f'[sources.{name}]\npath = "{name}.geojson"\nkind = "sourced"\nsource = "test"\n'
        for name in ("townships", "land")
    )
    text = STUDY.replace('kind = "schematic"', 'kind = "sourced"').replace(
        "[sources.demand]", f"{sections}[sources.demand]"
    )
    text = text.replace("[sources.roads]", '[region]\nboundary = "region.geojson"\n[sources.roads]')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return read_study(folder / "study.toml")


@pytest.fixture(scope="module")
def verdict(study):
    return pipeline.check_study(study)


@pytest.fixture(scope="module")
def told(verdict):
    """Rules by record of the table."""
    rules = {}
    for finding in verdict.findings:
        if finding.role == "facilities:meal_point" and finding.row is not None and finding.severity != "note":
            rules.setdefault(finding.row - 2, set()).add(finding.rule)
    return rules


def test_forty_kinds_are_planted():
    assert len(PLANTED) >= 40


@pytest.mark.parametrize("record", PLANTED)
def test_each_planted_fault_is_told_in_its_row(record, told):
    _, rule, row = PLANTED[record]
    assert rule in told.get(row, set())


def test_no_other_row_is_told(told):
    assert set(told) - TOLD_TOO == {row for _, _, row in PLANTED.values()}


def test_every_fault_has_its_words_in_chinese(verdict, study):
    from chongming_gis.reports.verdict import tell
    from chongming_gis.wording import Words

    said = tell([f for f in verdict.findings if f.row is not None], study, Words("zh"))
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in entry.said) for entry in said)
