"""The whole main job on real extracts: what goes in comes out, and the numbers are those of a slow count."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely

from chongming_gis import config, pipeline, results, tables
from chongming_gis.errors import OutputError, StudyError
from chongming_gis.sources.demand_points import NOT_LIVED_IN

STUDIES = Path(__file__).parent / "studies"

pytestmark = pytest.mark.extract


@pytest.fixture(scope="module", params=["liechtenstein", "helsinki"])
def result(request, shared_data):
    """One computed study of each extract."""
    return pipeline.run_study(config.read_study(STUDIES / f"{request.param}.toml"))


def _objects(path, accepts):
    """Count the objects of an extract that have a place: nodes, and ways with at least one known node."""
    count = 0
    for thing in osmium.FileProcessor(str(path)).with_locations():
        if not accepts(thing.tags):
            continue
        if thing.is_node():
            count += 1
        elif thing.is_way():
            count += any(node.location.valid() for node in thing.nodes)
    return count


def _extract(result):
    return Path(__file__).resolve().parents[2] / "shared" / "data" / "osm" / f"{result.study.id}.osm.pbf"


def test_people_in_are_people_out(result):
    """Persons of the district are buildings lived in x 2.4; townships and the unassigned add up to the district."""
    lived_in = _objects(_extract(result), lambda tags: "building" in tags and tags["building"] not in NOT_LIVED_IN)
    district = result.coverage[result.coverage["scope"] == "district"]
    assert lived_in > 100
    # multipolygon buildings are relations: the door may hold a few more than nodes and ways alone
    assert district["persons"].min() == district["persons"].max()
    assert district["persons"].iloc[0] == pytest.approx(result.demand.persons["resident:all"].sum())
    assert len(result.demand.points) >= 0.98 * lived_in
    unassigned = result.demand.points["township_code"].isna().to_numpy()
    outside = result.demand.persons["resident:all"][unassigned].sum()
    for keys, rows in result.coverage.groupby(["service", "standard"]):
        townships = rows[rows["scope"] == "township"]["persons"].sum()
        assert townships + outside == pytest.approx(rows[rows["scope"] == "district"]["persons"].iloc[0]), keys


def test_facilities_are_the_tagged_objects(result):
    """Each service has as many facilities as the extract has placed objects with its tag."""
    for service in result.study.services:
        wanted = service.facilities.tags["amenity"]
        counted = _objects(_extract(result), lambda tags, wanted=wanted: tags.get("amenity") in wanted)
        assert (result.facilities.places["service"] == service.id).sum() == counted


def test_tables_satisfy_their_contracts(result):
    """What a run returns is what the contracts promise."""
    tables.validate(result.access, tables.ACCESS, where="access")
    tables.validate(result.coverage, tables.COVERAGE, where="coverage")
    tables.validate(result.demand.points, tables.DEMAND, where="demand")
    tables.validate(result.facilities.places, tables.FACILITIES, where="facilities")


def test_covered_is_what_access_says(result):
    """Persons covered are the persons of the points whose time is within the limit, added up one by one."""
    persons = result.demand.persons["resident:all"].to_numpy()
    for (service, standard), rows in result.access.groupby(["service", "standard"]):  # noqa: B007
        covered = sum(p for p, t, s in zip(persons, rows["time_s"], rows["standard_s"], strict=True) if t <= s)
        told = result.coverage.query(
            "scope == 'district' and service == @service and standard == @standard and serves_rule == 'applied'"
        )
        assert told["persons_covered"].iloc[0] == pytest.approx(covered)
        assert (rows["covered"] == (rows["n_within"] > 0)).all()
        assert (rows["facility_id"].isna() == ~np.isfinite(rows["time_s"])).all()


def test_no_one_arrives_faster_than_straight_ahead(result):
    """No time beats the straight line at the mode's highest speed."""
    top_ms = {"walk": 1.0, "ebike": 15 / 3.6, "car": 80 / 3.6}
    place = result.facilities.places.set_index("facility_id").geometry
    for mode, rows in result.access.groupby("mode"):
        reached = rows[np.isfinite(rows["time_s"])]
        homes = result.demand.points.set_index("demand_id").geometry.loc[reached["demand_id"]]
        line_m = shapely.distance(homes.to_numpy(), place.loc[reached["facility_id"]].to_numpy())
        assert (reached["time_s"] >= 0.999 * line_m / top_ms[mode] - 1e-6).all()


def _digests(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.name == results.MANIFEST:
                manifest = json.loads(content)
                manifest.pop("timings")
                content = json.dumps(manifest, sort_keys=True).encode()
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def test_two_runs_give_the_same_bytes(shared_data, tmp_path):
    """Everything but the manifest's times is the same, byte for byte, and a saved result loads to equal tables."""
    study = config.read_study(STUDIES / "helsinki.toml")
    written = [pipeline.write_result(pipeline.run_study(study), tmp_path / name) for name in ("a", "b")]
    first, second = _digests(tmp_path / "a"), _digests(tmp_path / "b")
    assert first == second
    assert {"report.html", "coverage.csv", "access.parquet", "manifest.json", "maps/overview.html"} <= set(first)
    loaded = results.load(tmp_path / "a")
    assert loaded.coverage["share_covered"].to_numpy() == pytest.approx(
        written[0].coverage["share_covered"].to_numpy(), rel=1e-5, nan_ok=True
    )
    assert loaded.access.equals(written[0].access)


def test_a_failed_write_keeps_the_last_good_result(shared_data, tmp_path, monkeypatch):
    """When the report cannot be written, the old folder stands as it was and nothing is left beside it."""
    study = config.read_study(STUDIES / "helsinki.toml")
    result = pipeline.run_study(study)
    pipeline.write_result(result, tmp_path / "r")
    before = _digests(tmp_path / "r")

    def fail(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipeline.reports, "write_reports", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        pipeline.write_result(result, tmp_path / "r")
    assert _digests(tmp_path / "r") == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_every_input_fault_is_reported_at_once(tmp_path):
    """Missing roads, missing people and missing facilities come in one error, each with its file."""
    text = (STUDIES / "helsinki.toml").read_text(encoding="utf-8")
    for name in ("roads", "people"):
        text = text.replace("../../../shared/data/osm/helsinki.osm.pbf", f"{name}.osm.pbf", 1)
    text = text.replace("../../../shared/data/osm/helsinki.osm.pbf", "places.osm.pbf")
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        pipeline.run_study(config.read_study(tmp_path / "s.toml"))
    for name in ("roads.osm.pbf", "people.osm.pbf", "places.osm.pbf"):
        assert name in str(caught.value)
