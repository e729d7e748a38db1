"""``fetch_study``: from the name of a place to a folder with a study that runs, out of OpenStreetMap.

All that is asked goes through ``web`` and is kept by ``cache``: a fetch that was stopped, even killed, asks only for
what is missing. The folder is made beside its place and moved there whole; one that exists is never touched.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np
import shapely

from chongming_gis import __version__
from chongming_gis import crs as crs_module
from chongming_gis.errors import FetchError, OutputError, StudyError
from chongming_gis.findings import Finding
from chongming_gis.sources import (
    downloads,
    fetchedstudy,
    nominatim,
    osmareas,
    osmasked,
    osmwrite,
    overpass,
    places,
    tagged,
)
from chongming_gis.sources.web import Request, WebClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chongming_gis.config import StudyConfig
    from chongming_gis.sources.cache import Cache
    from chongming_gis.sources.osmasked import People, ServiceTags
    from chongming_gis.sources.overpass import Tile


class FetchProgress(Protocol):
    """What a fetch tells while it works."""

    def __call__(self, stage: str, detail: str, done: int, of: int) -> None:
        """Hear that step ``done`` of ``of`` begins."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Who is asked: Overpass servers in order, and a Nominatim server."""

    overpass: tuple[str, ...] = overpass.DEFAULT_ENDPOINTS
    nominatim: str = nominatim.DEFAULT_URL


@dataclass(frozen=True, slots=True)
class Wish:
    """What is fetched."""

    place: str  # a name, west,south,east,north, or the path of a polygon layer
    folder: Path
    people: People = "buildings"
    population_url: str | None = None  # a grid in place of OpenStreetMap's people
    population: downloads.Expected = field(default_factory=downloads.Expected)
    admin_levels: tuple[int, ...] = ()  # townships, then villages; none = 8, and 10 or else 9
    margin_m: float = 2000.0  # planning assumption: roads are fetched that far beyond the area
    tile_km: float = 15.0  # side of the largest tile


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch wrote."""

    folder: Path
    counts: dict[str, int]
    is_ready: bool  # whether the study can be read as it is
    notes: list[Finding]


@dataclass(frozen=True, slots=True)
class _Got:
    """Everything that was fetched."""

    place: places.Place
    tiles: list[Tile]
    elements: list[dict[str, Any]]
    services: Mapping[str, ServiceTags]
    grid: tuple[Path, downloads.Download] | None
    lost: list[Finding]


def fetch_study(
    wish: Wish, *, follows: StudyConfig, servers: Servers, client: WebClient, cache: Cache, progress: FetchProgress
) -> Fetched:
    """Fetch an area and write its study folder.

    Parameters
    ----------
    follows : the study whose services are looked for; a service that has ``tags`` of its own is looked for by them.

    Raises
    ------
    FetchError
        Servers cannot be reached or do not answer wholly, or there is no road in the area.
    OutputError
        The folder exists and is not empty, or cannot be written.
    """
    refuse_folder(wish.folder)
    progress("fetch_place", wish.place, 0, 1)
    place = places.find_place(wish.place, nominatim=nominatim.Nominatim(client, cache, servers.nominatim))
    services = _service_tags(follows)
    server = overpass.Overpass(client, cache, servers.overpass)
    levels = wish.admin_levels or (osmasked.TOWNSHIP_LEVEL, *osmasked.VILLAGE_LEVELS)
    boxes = overpass.tiles_of(places.grown(place.area, wish.margin_m), side_km=wish.tile_km)
    asked = osmasked.tile_statements(services=[how.tags for how in services.values()], people=wish.people)
    tiles = server.fetch_tiles(boxes, asked, lambda done, of: progress("fetch_tiles", "", done, of + 1))
    progress("fetch_boundaries", "", len(tiles), len(tiles) + 1)
    boundaries, lost = _fetch_boundaries(server, place.area.bounds, levels)
    tiles += boundaries
    elements = osmwrite.merge(tile.elements for tile in tiles)
    if not any(element["type"] == "way" and "highway" in element.get("tags", {}) for element in elements):
        where = place.name or place.asked
        said = f"{tiles[0].kept.server} knows no road in {where}; check the place, or name another --endpoint"
        raise FetchError(f"{said}. {overpass.INSTEAD}")
    grid = _fetch_population(wish, client, cache, progress)
    progress("fetch_write", str(wish.folder), len(tiles), len(tiles) + 1)
    got = _Got(place, tiles, elements, services, grid, lost)
    with _staged(wish.folder) as stage:
        return _write(stage, wish, got, follows)


def fetch_named(study: StudyConfig, *, client: WebClient, progress: FetchProgress) -> downloads.Download | None:
    """Fetch the file of people that a study names by ``sources.demand.url``; return None where it is there already.

    Raises
    ------
    StudyError
        The study names no url.
    FetchError
        The server cannot be reached, or gives another file than the study says.
    OutputError
        The file cannot be written.
    """
    source = study.sources.demand
    if source.url is None:
        raise StudyError("sources.demand.url: the study names no file to fetch; write url = ..., and better sha256 too")
    path = study.resolve(source.path)
    if path.is_file() and (source.sha256 is None or downloads.sha256_of(path) == source.sha256.lower()):
        return None
    progress("fetch_population", path.name, 0, 1)
    expected = downloads.Expected(source.sha256, source.size_bytes)
    instead = f"Instead, download it in a browser and put it at {path}"
    return downloads.fetch_file(client, source.url, path, expected=expected, instead=instead)


def refuse_folder(folder: Path) -> None:
    """Raise where a study folder cannot be put in place.

    Raises
    ------
    OutputError
        Something stands there already.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise OutputError(f"{folder}: exists already and is not overwritten; name another folder with --out")


def _silent(done: int, of: int) -> None:
    pass


def _fetch_boundaries(
    server: overpass.Overpass, bounds: tuple[float, ...], levels: Sequence[int]
) -> tuple[list[Tile], list[Finding]]:
    """Return the administrative areas of a box, those too that it lies wholly in, and what could not be asked."""
    west, south, east, north = bounds
    box = (west, south, east, north)
    tiles = server.fetch_tiles([box], osmasked.boundary_statements(levels), _silent)
    found = {e.get("tags", {}).get("admin_level") for tile in tiles for e in tile.elements if e["type"] == "relation"}
    missing = [level for level in levels if str(level) not in found]
    if not missing:
        return tiles, []
    try:
        return [*tiles, server.fetch_around(box, osmasked.around_statements(missing))], []
    except FetchError as error:  # a server without areas has all the rest
        words = f"the areas around a small box cannot be asked for: {error}"
        remark = Finding("note", server.endpoints[0], words, rule="fetch_no_around", details={"reason": str(error)})
        return tiles, [remark]


def _service_tags(follows: StudyConfig) -> dict[str, ServiceTags]:
    """Return how each service of a study is mapped: as it says itself, else as the plan's services are."""
    default = osmasked.default_service_tags()
    unknown = osmasked.ServiceTags(note="no tags are known for it; write facilities.tags in the study it follows")
    return {
        service.id: osmasked.ServiceTags(service.facilities.tags)
        if service.facilities.tags
        else default.get(service.id, unknown)
        for service in follows.services
    }


def _fetch_population(
    wish: Wish, client: WebClient, cache: Cache, progress: FetchProgress
) -> tuple[Path, downloads.Download] | None:
    """Fetch the grid into the cache folder, where a download that stopped goes on."""
    if wish.population_url is None:
        return None
    progress("fetch_population", wish.population_url, 0, 1)
    path = cache.folder / f"{Request().key(wish.population_url)}.file"
    instead = "Instead, download it in a browser and name it in the study: sources.demand.path"
    if path.is_file() and wish.population.sha256 is not None:
        digest = downloads.sha256_of(path)
        if digest == wish.population.sha256.lower():
            return path, downloads.Download(wish.population_url, digest, path.stat().st_size, 0)
    return path, downloads.fetch_file(client, wish.population_url, path, expected=wish.population, instead=instead)


def _write(stage: Path, wish: Wish, got: _Got, follows: StudyConfig) -> Fetched:
    osm_path, area = stage / fetchedstudy.OSM_FILE, got.place.area
    osmwrite.write_pbf(got.elements, osm_path, osm_date=_oldest(got.tiles))
    _write_layer(gpd.GeoDataFrame(geometry=[area], crs=crs_module.GEOGRAPHIC), stage / fetchedstudy.BOUNDARY_FILE)
    areas = osmareas.read_osm_areas(osm_path, area, **_levels(wish))
    for name, frame in areas.frames.items():
        _write_layer(frame, stage / fetchedstudy.AREA_FILES[name])
    if got.grid is not None:
        shutil.copyfile(got.grid[0], stage / fetchedstudy.POPULATION_FILE)
    found = _count_facilities(osm_path, area, got.services)
    facts = _facts(wish, got, areas)
    text = fetchedstudy.study_file(facts, follows=follows, services=got.services, found=found)
    (stage / fetchedstudy.STUDY_FILE).write_text(text, encoding="utf-8")
    counts = {kind: sum(e["type"] == kind for e in got.elements) for kind in ("node", "way", "relation")}
    counts |= {name: len(frame) for name, frame in areas.frames.items()}
    counts |= {f"facilities:{name}": number for name, number in found.items()}
    log = _log(wish, got, counts)
    log["files"] = {path.name: downloads.sha256_of(path) for path in sorted(stage.iterdir())}
    (stage / fetchedstudy.LOG_FILE).write_text(json.dumps(log, ensure_ascii=False, indent=1), encoding="utf-8")
    is_ready = fetchedstudy.is_valid(text, stage) and (wish.people != "none" or got.grid is not None)
    return Fetched(wish.folder, counts, is_ready, [*got.lost, *_notes(areas, found, got.tiles)])


def _oldest(tiles: list[Tile]) -> str:
    """Return the moment of the data: the oldest of the answers, empty where the server did not say."""
    return min((tile.osm_date for tile in tiles if tile.osm_date), default="")


def _facts(wish: Wish, got: _Got, areas: osmareas.OsmAreas) -> fetchedstudy.FetchedFacts:
    population: dict[str, str | int] = {}
    if got.grid is not None:
        download = got.grid[1]
        population = {"url": download.url, "sha256": download.sha256, "size_bytes": download.size_bytes}
    return fetchedstudy.FetchedFacts(
        study_id=fetchedstudy.identifier_of(wish.folder.name),
        name=got.place.name or wish.folder.name,
        osm_date=_oldest(got.tiles),
        server=got.tiles[0].kept.server,
        today=max(tile.kept.date for tile in got.tiles).date(),
        areas=areas.what,
        people=wish.people,
        population=population,
    )


def _levels(wish: Wish) -> dict[str, Any]:
    if not wish.admin_levels:
        return {"township_level": osmasked.TOWNSHIP_LEVEL, "village_levels": osmasked.VILLAGE_LEVELS}
    return {"township_level": wish.admin_levels[0], "village_levels": wish.admin_levels[1:]}


def _count_facilities(path: Path, area: shapely.Geometry, services: Mapping[str, ServiceTags]) -> dict[str, int]:
    """Return how many objects of each service lie in the area."""
    wanted = osmasked.together(how.tags for how in services.values())
    if not wanted:
        return dict.fromkeys(services, 0)
    found = tagged.read_tagged(path, wanted)
    shapely.prepare(area)
    inside = np.asarray(shapely.intersects(area, shapely.point_on_surface(found.geometry)), dtype=bool)
    tags_inside = [found.tags[row] for row in np.flatnonzero(inside)]
    return {
        service: sum(
            any(tagged.is_match(tags, key, values) for key, values in how.tags.items()) for tags in tags_inside
        )
        for service, how in services.items()
    }


def _notes(areas: osmareas.OsmAreas, found: Mapping[str, int], tiles: list[Tile]) -> list[Finding]:
    none = [service for service, number in found.items() if not number]
    said = [
        ("fetch_no_areas", f"no {name} were found at the admin levels asked for", {"what": name})
        for name in ("townships", "villages")
        if name not in areas.frames
    ]
    listed = ", ".join(none)
    if none:
        words = f"services without a facility here, written as comments: {listed}"
        said.append(("fetch_no_facilities", words, {"services": listed}))
    remarks = sorted({tile.remark for tile in tiles if tile.remark})
    said += [("fetch_remark", f"the server remarks: {remark}", {"remark": remark}) for remark in remarks]
    remedies = {"fetch_no_areas": "name others with --admin-level"}
    where = tiles[0].kept.server
    return [
        Finding("note", where, words, remedies.get(rule, ""), rule=rule, details=details)
        for rule, words, details in said
    ]


def _log(wish: Wish, got: _Got, counts: Mapping[str, int]) -> dict[str, Any]:
    place, tiles = got.place, got.tiles
    return {
        "program": f"chongming-gis {__version__}",
        "place": {"asked": place.asked, "name": place.name, "how": place.how, "bounds": list(place.area.bounds)},
        "licence": fetchedstudy.LICENCE,
        "osm_dates": sorted({tile.osm_date for tile in tiles if tile.osm_date}),
        "settings": {"margin_m": wish.margin_m, "tile_km": wish.tile_km, "people": wish.people},
        "counts": dict(counts),
        "requests": [
            {
                "box": list(tile.box),
                "request_sha256": tile.kept.key,
                "server": tile.kept.server,
                "date": tile.kept.date.isoformat(),
                "answer_sha256": tile.kept.sha256,
                "elements": len(tile.elements),
                "from_cache": not tile.kept.is_new,
            }
            for tile in tiles
        ],
    }


def _write_layer(frame: gpd.GeoDataFrame, path: Path) -> None:
    frame.to_file(path, driver="GeoJSON", engine="pyogrio", index=False)


@contextlib.contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the block ends well, and vanishes when it does not."""
    stage = None
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.absolute().parent))
        yield stage
        stage.chmod(0o755)
        refuse_folder(target)
        if target.exists():  # empty
            target.rmdir()
        stage.rename(target)
    except OSError as error:
        if isinstance(error, (FetchError, OutputError)):
            raise
        raise OutputError(f"{target}: cannot be written ({error.strerror or error}); choose another --out") from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
