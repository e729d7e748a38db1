"""All maps of Liechtenstein's result, and one map by plain folium with a marker for each place and facility."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import folium

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import maps, pipeline
from chongming_gis.config import read_study

if TYPE_CHECKING:
    import geopandas as gpd

    from chongming_gis.results import StudyResult

STUDY = Path(__file__).resolve().parents[1] / "tests" / "studies" / "liechtenstein.toml"


def run() -> list[Row]:
    """Return the rows."""
    result = pipeline.run_study(read_study(STUDY))
    service = result.study.services[0].id
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        every = measure.take(lambda: maps.write_maps(result, out / "all"), runs=3)
        n_maps = len(list((out / "all").glob("*.html")))

        def ours() -> None:
            (out / "ours.html").write_text(maps.coverage(result, service).page.render(), encoding="utf-8")

        one = measure.take(ours, runs=3)
        theirs_s = measure.median_seconds(lambda: _plain(result, out / "theirs.html"), runs=3)
        n_markers = (out / "theirs.html").read_text(encoding="utf-8").count("L.circleMarker(")
        n_places = len(result.demand.points) + len(_places(result, service))
        measure.refuse_unless(n_markers == n_places, f"{n_markers} markers for {n_places} places")
        sizes = [(out / name).stat().st_size / 1e6 for name in ("ours.html", "theirs.html")]
    note = f"{n_places:,} places; {sizes[0]:.1f} MB and {sizes[1]:.1f} MB; ours is self-contained"
    return [
        Row(f"all {n_maps} maps, Liechtenstein", every.seconds, peak_mb=every.peak_mb),
        Row("one coverage map, Liechtenstein", one.seconds, "folium, a marker a place", theirs_s, note, one.peak_mb),
    ]


def _places(result: StudyResult, service: str) -> gpd.GeoDataFrame:
    places = result.facilities.places
    return places[places["service"] == service]


def _plain(result: StudyResult, path: Path) -> None:
    """Draw who is covered as the folium documentation does: one circle marker each."""
    service = result.study.services[0].id
    places = result.demand.points.to_crs("EPSG:4326")
    at = result.access[result.access["service"] == service].drop_duplicates("demand_id").set_index("demand_id")
    covered = at["covered"].reindex(places["demand_id"]).to_numpy(bool)
    sheet = folium.Map(location=[places.geometry.y.mean(), places.geometry.x.mean()], zoom_start=12)
    for x, y, is_covered in zip(places.geometry.x, places.geometry.y, covered, strict=True):
        folium.CircleMarker([y, x], radius=3, color="green" if is_covered else "red").add_to(sheet)
    for point in _places(result, service).to_crs("EPSG:4326").geometry:
        folium.CircleMarker([point.y, point.x], radius=6, color="blue").add_to(sheet)
    sheet.save(str(path))
