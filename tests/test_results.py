"""A result comes back from its folder as it was; and a folder is written whole or not at all."""

import contextlib
import dataclasses
import functools
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import coverage, geotiff, indicators, isochrones, network, results, tables
from chongming_gis.errors import InputFileError, OutputError
from tests.maps import measured_toy
from tests.toy import study as toy
from tests.toy.proposed import INFEASIBLE, with_proposals
from tests.toy.roads import FOOT, town

NOBODY = 65_534


@functools.cache
def made(*, persons=(10, 20, 30, 5), villages=("v1", "v2", "v3", "v4"), names=None):
    """The toy town measured on foot."""
    people = toy.demand(
        [(30, 10), (250, -20), (1350, 40), (9000, 0)],
        persons={"all": persons, "old": [1, 2.5, 0, 5]},
        township=["t1", "t1", "t2", None],
        village=[*villages[:3], None],
        settlement=["town", "village", "village", "village"],
    )
    places = toy.facilities([(200, -50), (0, 0)], serves=["all", "township"], township=[None, "t2"])
    study = toy.study()
    nets = [network.compile_network(town(), FOOT)]
    townships, areas = toy.areas(["t1", "t2", "t3"]), toy.areas(villages, tables.VILLAGES)
    if names:
        townships = townships.assign(name_zh=toy.text(names))
    access = coverage.measure_access(
        study.services[0],
        demand=toy.places(nets, people.points),
        facilities=toy.places(nets, places),
        networks={"foot": nets[0]},
        search_limit_s=14_400.0,
    )
    roads = town().edges[["highway", "route", "name", "bridge", "tunnel", "geometry"]]
    capacity = pd.DataFrame(
        {"facility_id": toy.text(["f0"]), "unit": toy.text(["份"]), "value": [80.0], "used": [np.nan]}
    )
    return results.StudyResult(
        study=study,
        demand=people,
        facilities=tables.Facilities(places=places, capacity=capacity),
        townships=townships,
        villages=areas,
        land=tables.no_rows(tables.LAND, roads.crs),
        roads_drawn=roads,
        access=access,
        coverage=coverage.measure_coverage(access, demand=people, study=study, townships=townships, villages=areas),
        indicators=indicators.measure_indicators(
            study,
            facilities=tables.Facilities(places=places, capacity=capacity),
            demand=people,
            townships=townships,
            villages=areas,
        ),
        provision=tables.no_table(tables.PROVISION),
        measured={},
        surfaces={},
        manifest={"counts": {"nodes": 11}, "notices": ["一"], "timings": {"read": {"seconds": 0.5}}},
    )


def round_trip(result, folder):
    results.save(result, folder)
    return results.load(folder)


def assert_same(one, other):
    assert (one.study, one.study.digest) == (other.study, other.study.digest)
    for name in ("townships", "villages", "land", "roads_drawn"):
        _assert_same_frame(getattr(one, name), getattr(other, name))
    _assert_same_frame(one.demand.points, other.demand.points)
    _assert_same_frame(one.facilities.places, other.facilities.places)
    pd.testing.assert_frame_equal(one.demand.persons, other.demand.persons)
    pd.testing.assert_frame_equal(one.facilities.capacity, other.facilities.capacity)
    pd.testing.assert_frame_equal(one.access, other.access)
    pd.testing.assert_frame_equal(one.coverage, other.coverage, rtol=1e-9, atol=0)


def _assert_same_frame(one, other):
    assert isinstance(other, gpd.GeoDataFrame)
    assert one.crs == other.crs
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
    )
    assert shapely.equals_exact(one.geometry.to_numpy(), other.geometry.to_numpy()).all()


def test_a_result_comes_back_as_it_was(tmp_path):
    result = made()
    again = round_trip(result, tmp_path)
    assert_same(result, again)
    assert {key: again.manifest[key] for key in result.manifest} == dict(result.manifest)
    for frame, contract in (
        (again.access, tables.ACCESS),
        (again.coverage, tables.COVERAGE),
        (again.demand.points, tables.DEMAND),
    ):
        tables.validate(frame, contract, where="loaded")


def test_saving_what_was_loaded_writes_the_same_bytes(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    again = round_trip(made(), folders[0])
    results.save(again, folders[1])
    files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*") if path.is_file())
    assert len(files) > 8
    for file in files:
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


def test_people_of_a_great_city_are_counted_to_the_last(tmp_path):
    """12,345,678 and 9,876,543 persons; townships and the unassigned still add up to the district in the saved file."""
    again = round_trip(made(persons=(12_345_678, 9_876_543, 1, 0.5)), tmp_path)
    rows = again.coverage[(again.coverage["group"] == "all") & (again.coverage["standard"] == "walk15")]
    rows = rows[rows["serves_rule"] == "applied"]
    assert rows.loc[rows["scope"] == "district", "persons"].tolist() == [22_222_222.5]
    assert rows.loc[rows["scope"] == "township", "persons"].tolist() == [22_222_221.0, 1.0, 0.0]


def test_names_and_codes_that_look_like_something_else_stay_what_they_are(tmp_path):
    """Codes of digits, names NA and null, numbers, commas, quotes and line ends; only what is missing is missing."""
    result = made(villages=("007", "NA", "1e5", "nan"), names=("null", 'a,"b"\nc', "12"))
    again = round_trip(result, tmp_path)
    assert_same(result, again)
    assert set(again.coverage.loc[again.coverage["scope"] == "village", "scope_code"]) == {"007", "NA", "1e5", "nan"}


def test_tables_all_of_whole_numbers_or_all_missing_keep_their_types(tmp_path):
    result = made(persons=(10, 20, 30, 0))
    whole = result.coverage[result.coverage["scope"] == "district"].assign(name_zh=tables.empty_text(8))
    again = round_trip(made_of(result, coverage=whole.reset_index(drop=True)), tmp_path)
    tables.validate(again.coverage, tables.COVERAGE, where="loaded")
    assert again.coverage["persons"].dtype == float
    assert again.coverage["name_zh"].isna().all()


def made_of(result, **changes):
    return dataclasses.replace(result, **changes)


def test_a_column_with_a_colon_is_persons_only_if_the_study_says_so(tmp_path):
    result = made()
    points = result.demand.points.assign(**{"addr:street": toy.text(["a", "b", "c", "d"])})
    again = round_trip(made_of(result, demand=tables.Demand(points=points, persons=result.demand.persons)), tmp_path)
    assert again.demand.persons.columns.tolist() == ["resident:all", "resident:old"]
    assert again.demand.points["addr:street"].tolist() == ["a", "b", "c", "d"]


def test_the_coverage_table_opens_in_a_spreadsheet(tmp_path):
    """UTF-8 with a byte-order mark, so that Excel shows the Chinese names; an unpopulated share is an empty cell."""
    results.save(made(), tmp_path)
    raw = (tmp_path / "coverage.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfscope,scope_code,")
    assert "区t3,meal,walk15,applied,foot,all,resident,900,0,0,\n" in raw.decode("utf-8-sig").replace("\r\n", "\n")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    results.save(made(), folder)
    return folder


@pytest.fixture
def saved(pristine, tmp_path):
    """A saved result of its own for each test."""
    return shutil.copytree(pristine, tmp_path / "result")


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "manifest.json").unlink(),
        lambda f: (f / "manifest.json").write_text("{"),
        lambda f: (f / "manifest.json").write_text("[]"),
        lambda f: (f / "manifest.json").write_text('{"format": 1}'),
        lambda f: (f / "manifest.json").write_text('{"format": 1, "study": {"id": "x"}}'),
        lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe{}"),
        lambda f: (f / "access.parquet").unlink(),
        lambda f: (f / "access.parquet").write_bytes((f / "access.parquet").read_bytes()[:300]),
        lambda f: (f / "layers" / "demand.parquet").write_text("no parquet"),
        lambda f: (f / "layers" / "townships.parquet").write_bytes(b""),
        lambda f: (f / "coverage.csv").write_text(""),
        lambda f: (f / "coverage.csv").write_text("scope,persons\nx,many\n"),
        lambda f: shutil.rmtree(f / "layers"),
        shutil.rmtree,
        lambda f: (shutil.rmtree(f), f.write_text("a file")),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_one_line_that_names_it(saved, damage):
    damage(saved)
    with pytest.raises(InputFileError) as caught:
        results.load(saved)
    assert str(caught.value).startswith(f"{saved}: ")
    assert "\n" not in str(caught.value)
    assert "run" in str(caught.value)


def test_of_one_service_only_its_answers_are_read(saved):
    whole = results.load(saved)
    name = whole.study.services[0].id
    part = results.load(saved, service_id=name)
    for table in ("access", "coverage"):
        rows = getattr(whole, table)
        pd.testing.assert_frame_equal(
            getattr(part, table).reset_index(drop=True), rows[rows["service"] == name].reset_index(drop=True)
        )
    assert len(part.facilities.places) == len(whole.facilities.places)


def test_an_id_that_is_no_service_leaves_nothing_out(saved):
    assert len(results.load(saved, service_id="overview").access) == len(results.load(saved).access)


def test_a_layer_is_read_as_geopandas_reads_it(saved):
    for path in sorted((saved / "layers").glob("*.parquet")):
        if path.stem != "facility_capacity":
            layer = results._read_layer(path)
            expected = gpd.read_parquet(path)
            assert_geodataframe_equal(layer, expected)
            assert layer.crs == expected.crs


def test_an_open_result_has_loaded_no_raster_reader_and_no_compiler(saved):
    code = (
        "import sys; from chongming_gis import maps, results; "
        f"maps.coverage(results.load({str(saved)!r}), {toy.study().services[0].id!r}).page.render(); "
        "print(sorted({'rasterio', 'numba', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


_SHAPES = st.lists(
    st.tuples(st.floats(121.0, 122.0), st.floats(31.0, 32.0)).map(lambda at: (*at, at[0] + 0.01, at[1] + 0.01)),
    min_size=1,
    max_size=6,
)


@given(boxes=_SHAPES, number=st.floats(allow_nan=True), as_points=st.booleans())
def test_geojson_is_written_as_geopandas_writes_it(boxes, number, as_points):
    shapes = np.array([shapely.box(*box) for box in boxes], dtype=object)
    shapes = shapely.centroid(shapes) if as_points else shapes
    count = len(shapes)
    layer = gpd.GeoDataFrame(
        {
            "name": pd.Series(['甲 "b"', None, "</x>", "d", "e", "f"][:count], dtype="str"),
            "n": range(count),
            "maybe": pd.array([None, 2, 3, 4, 5, 6][:count], dtype="Int64"),
            "number": [number] * count,
            "is_so": [True] * count,
        },
        geometry=shapely.set_precision(shapes, 0.0),
        crs="EPSG:4326",
    )
    rounded = layer.set_geometry(gpd.GeoSeries(shapely.set_precision(shapes, 1e-6, mode="pointwise"), crs=layer.crs))
    expected = rounded.assign(number=layer["number"].where(np.isfinite(layer["number"])))
    assert results._as_geojson(layer) == expected.to_json(ensure_ascii=False, drop_id=True)


def test_a_result_of_another_format_says_so(saved):
    manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
    (saved / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(InputFileError, match=r"format 99, not 3"):
        results.load(saved)


# written whole or not at all ---------------------------------------------------------------------------------------


def contents(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def in_stage(target, job):
    with results.staged_folder(target) as stage:
        job(stage)


def write(target, text="new"):
    def job(stage):
        (stage / "manifest.json").write_text(text)
        (stage / "maps").mkdir()

    in_stage(target, job)


def half_and(failure):
    """A job that writes half of a result and fails."""

    def job(stage):
        (stage / "manifest.json").write_text("half")
        raise failure

    return job


@pytest.fixture
def old(tmp_path):
    target = tmp_path / "out"
    write(target, "old")
    (target / "stale.html").write_text("of the last run")
    return target


def test_a_folder_is_made_with_those_above_it(tmp_path):
    write(tmp_path / "a" / "b" / "out")
    assert contents(tmp_path) == ["a", "a/b", "a/b/out", "a/b/out/manifest.json", "a/b/out/maps"]
    assert stat.S_IMODE((tmp_path / "a" / "b" / "out").stat().st_mode) == 0o755


def test_the_last_result_is_replaced_whole(old):
    write(old)
    assert contents(old.parent) == ["out", "out/manifest.json", "out/maps"]
    assert (old / "manifest.json").read_text() == "new"


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").is_file()


@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_inside_keeps_the_last_result_and_leaves_no_litter(old, failure):
    before = contents(old.parent)
    wanted = OutputError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(wanted):
        in_stage(old, half_and(failure))
    assert contents(old.parent) == before
    assert (old / "manifest.json").read_text() == "old"


def test_a_failure_inside_the_first_run_leaves_nothing_at_all(tmp_path):
    with pytest.raises(RuntimeError, match="bug"):
        in_stage(tmp_path / "a" / "b" / "out", half_and(RuntimeError("bug")))
    assert contents(tmp_path) == []


def test_while_it_is_written_the_last_result_stands(old):
    with results.staged_folder(old) as stage:
        (stage / "manifest.json").write_text("new")
        assert (old / "manifest.json").read_text() == "old"
        assert stage.parent == old.parent  # on the same file system, so that the move is one step


@pytest.mark.parametrize("failure", [OSError(18, "Invalid cross-device link"), KeyboardInterrupt()])
def test_when_the_move_fails_the_last_result_is_put_back(old, monkeypatch, failure):
    move = Path.rename

    def refuse(self, target):
        if Path(target) == old and self.name != "result":
            raise failure
        return move(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    before = contents(old.parent)
    with pytest.raises(OutputError if isinstance(failure, OSError) else KeyboardInterrupt):
        write(old)
    assert contents(old.parent) == before
    assert (old / "manifest.json").read_text() == "old"


def test_when_it_cannot_even_be_put_back_the_last_result_is_kept_aside(old, monkeypatch):
    move = Path.rename

    def refuse(self, target):
        if Path(target) == old:
            raise OSError(5, "Input/output error")
        return move(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="Input/output error"):
        write(old)
    (kept,) = old.parent.glob(".out-old-*/result/manifest.json")
    assert kept.read_text() == "old"


def test_a_folder_that_cannot_be_moved_is_told_without_litter(old, monkeypatch):
    """A mounted folder, for instance, can be written but not moved."""
    move = Path.rename

    def refuse(self, target):
        if self == old:
            raise OSError(16, "Device or resource busy")
        return move(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    before = contents(old.parent)
    with pytest.raises(OutputError, match="Device or resource busy"):
        write(old)
    assert contents(old.parent) == before


def _file(target):
    target.write_text("mine")


def _foreign(target):
    target.mkdir()
    (target / "thesis.docx").write_text("mine")


def _link(target):
    (target.parent / "elsewhere").mkdir()
    target.symlink_to(target.parent / "elsewhere")


def _dangling(target):
    target.symlink_to(target.parent / "nowhere")


@pytest.mark.parametrize("obstacle", [_file, _foreign, _link, _dangling])
def test_what_is_not_a_result_is_never_overwritten(tmp_path, obstacle):
    obstacle(tmp_path / "out")
    before = contents(tmp_path)
    for ask in (results.refuse_unwritable, write):
        with pytest.raises(OutputError, match=r"out: .*choose another"):
            ask(tmp_path / "out")
    assert contents(tmp_path) == before


def test_a_file_above_is_in_the_way(tmp_path):
    (tmp_path / "out").write_text("mine")
    for ask in (results.refuse_unwritable, write):
        with pytest.raises(OutputError, match="choose another"):
            ask(tmp_path / "out" / "deep" / "er")
    assert contents(tmp_path) == ["out"]


def test_a_name_that_no_disk_takes_is_refused(tmp_path):
    for ask in (results.refuse_unwritable, write):
        with pytest.raises(OutputError, match="choose another"):
            ask(tmp_path / ("x" * 300))
    assert contents(tmp_path) == []


@contextlib.contextmanager
def unprivileged():
    """An ordinary user for the time of the block, where the tests run as the superuser."""
    if os.name != "posix":
        pytest.skip("no POSIX users here")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_folder():
    """A folder that anyone may read and only its owner may write; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("below", ["out", "deep/er/out"])
def test_where_this_user_may_not_write_it_is_told_before_any_work(public_folder, below):
    with unprivileged():
        for ask in (results.refuse_unwritable, write):
            with pytest.raises(OutputError, match=r"cannot be written.*choose another"):
                ask(public_folder / below)
    assert contents(public_folder) == []


def test_where_this_user_may_not_even_look_it_is_told(public_folder):
    closed = public_folder / "closed"
    public_folder.chmod(0o755)
    closed.mkdir()
    closed.chmod(0o000)
    try:
        with unprivileged():
            for ask in (results.refuse_unwritable, write):
                with pytest.raises(OutputError, match="choose another"):
                    ask(closed / "out")
    finally:
        closed.chmod(0o755)
    assert contents(public_folder) == ["closed"]


def test_a_result_that_this_user_may_not_read_is_one_line(public_folder):
    public_folder.chmod(0o755)
    folder = public_folder / "result"
    folder.mkdir()
    results.save(made(), folder)
    (folder / "access.parquet").chmod(0o000)
    with unprivileged(), pytest.raises(InputFileError, match="result: "):
        results.load(folder)


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 64 kB that holds a small result."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if sys.platform != "linux" or os.geteuid() != 0 or mount is None:
        pytest.skip("only the superuser of a Linux system can mount a small disk")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this container may not mount: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_one_line_and_leaves_the_last_result(tiny_disk):
    write(tiny_disk / "out", "old")

    def save(stage):
        (stage / "ballast").write_bytes(b"x" * 50_000)
        results.save(made(), stage)

    for job in (save, lambda stage: (stage / "map.html").write_text("x" * 100_000)):
        with pytest.raises(OutputError, match=r"No space left on device"):
            in_stage(tiny_disk / "out", job)
        assert contents(tiny_disk) == ["out", "out/manifest.json", "out/maps"]
        assert (tiny_disk / "out" / "manifest.json").read_text() == "old"


@settings(max_examples=6)
@given(st.lists(st.floats(0, 1e9, allow_subnormal=False), min_size=4, max_size=4))
def test_any_number_of_persons_comes_back_to_ten_digits(persons):
    result = made(persons=tuple(persons))
    with tempfile.TemporaryDirectory() as folder:
        again = round_trip(result, Path(folder))
    np.testing.assert_allclose(again.coverage["persons"], result.coverage["persons"], rtol=1e-9)
    pd.testing.assert_frame_equal(again.demand.persons, result.demand.persons, check_exact=True)


def test_names_that_look_like_formulas_are_never_live_in_a_csv_and_come_back_as_they_were(tmp_path):
    names = ('=HYPERLINK("http://example.org","a")', "@SUM(A1)", "'+1")
    result = made(names=names)
    results.save(result, tmp_path)
    for path in tmp_path.glob("*.csv"):
        cells = pd.read_csv(path, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [text for text in cells if text[:1] in {"=", "@", "+"}], path.name
    assert "'=HYPERLINK" in (tmp_path / "coverage.csv").read_text(encoding="utf-8-sig")
    back = results.load(tmp_path)
    pd.testing.assert_series_equal(back.coverage["name_zh"], result.coverage["name_zh"])
    assert set(names) <= set(back.coverage["name_zh"].dropna())


def test_proposed_sites_are_a_table_with_positions_and_a_certificate(tmp_path):
    spec = importlib.util.spec_from_file_location("toy_town", Path(__file__).parent / "maps" / "toy.py")
    town = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(town)
    with results.staged_folder(tmp_path / "r") as stage:
        results.save(with_proposals(town.result()), stage)
    sites = pd.read_csv(tmp_path / "r" / "sites.csv", encoding="utf-8-sig")
    assert sites[["proposal", "newly_covered"]].to_numpy().tolist() == [["more", 30.0]]
    assert 121 < sites["lon"].item() < 122
    assert 31 < sites["lat"].item() < 32
    plan = json.loads((tmp_path / "r" / "plan.json").read_text(encoding="utf-8"))
    assert (plan["more"]["bound"], plan["more"]["status"], plan["more"]["sites"]) == (60.0, "optimal", ["c1"])
    assert set(results.load(tmp_path / "r").measured) == {"plans", "sites", "site_gains", "plan_access"}
    with results.staged_folder(tmp_path / "r") as stage:
        results.save(with_proposals(town.result(), **INFEASIBLE), stage)
    plan = json.loads((tmp_path / "r" / "plan.json").read_text(encoding="utf-8"))
    assert (plan["more"]["bound"], plan["more"]["sites"]) == (None, [])


def test_measured_areas_and_surfaces_come_back_and_are_saved_in_the_same_bytes(tmp_path):
    """Gaps are written as GeoJSON too, where nobody who reaches nothing stands as infinity; drawn areas are not."""
    net = network.compile_network(town(), FOOT)
    cells = network.snap_cells(net, network.raster_of_network(net, cell_m=50.0))
    at = network.snap_points(net, made().facilities.places.geometry)
    surface = isochrones.time_surface(net, cells, at, cutoff_s=500.0)
    result = dataclasses.replace(
        made(),
        measured={"gaps": measured_toy.gaps(), "isochrones": measured_toy.isochrones()},
        surfaces={"travel_time_meal_foot": surface},
    )
    for name in ("one", "two", "packed"):
        (tmp_path / name).mkdir()
    results.save(result, tmp_path / "one")
    packed = geotiff.PackedSurfaces({name: geotiff.pack_surface(s, name) for name, s in result.surfaces.items()})
    results.save(dataclasses.replace(result, surfaces=packed), tmp_path / "packed")
    np.testing.assert_array_equal(packed["travel_time_meal_foot"].time_s, np.ceil(surface.time_s))
    back = results.load(tmp_path / "one")
    assert list(back.measured) == ["gaps", "isochrones"]
    pd.testing.assert_frame_equal(back.measured["gaps"], result.measured["gaps"])
    pd.testing.assert_frame_equal(back.measured["isochrones"], result.measured["isochrones"])
    assert list(back.surfaces) == ["travel_time_meal_foot"]
    results.save(back, tmp_path / "two")
    one, two, packed_files = (
        {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "two", tmp_path / "packed")
    )
    assert one == two == packed_files
    written = [path.as_posix() for path in one]
    assert {"gaps.geojson", "layers/gaps.parquet", "layers/isochrones.parquet"} <= set(written)
    assert "isochrones.geojson" not in written
    features = json.loads((tmp_path / "one" / "gaps.geojson").read_text(encoding="utf-8"))["features"]
    assert [feature["properties"]["nearest_s"] for feature in features] == [1500.0, None]
    assert "Infinity" not in (tmp_path / "one" / "gaps.geojson").read_text(encoding="utf-8")
