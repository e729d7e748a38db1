"""The commands that use the internet, ``fetch`` and ``geocode``; all others stay offline."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chongming_gis.errors import OutputError, StudyError

if TYPE_CHECKING:
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.sources import fetching
    from chongming_gis.sources.cache import Cache
    from chongming_gis.wording import Words


class PeopleFrom(StrEnum):
    """Where people are taken from."""

    buildings = "buildings"
    places = "places"
    none = "none"


CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="folder where answers are kept; default: CHONGMING_GIS_CACHE, else the user's cache folder",
        show_default=False,
    ),
]
AgeOption = Annotated[
    float, typer.Option("--max-age-days", min=0.0, help="kept answers older than this are asked for again")
]
PauseOption = Annotated[
    float, typer.Option(min=0.0, help="seconds between two requests to one server; 0 only for a server of your own")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print nothing but errors")]


def fetch(
    place: Annotated[
        str | None,
        typer.Argument(help="a place name, west,south,east,north in degrees, or a polygon layer", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="study folder to write; an existing one is not touched")] = Path(
        "fetched-study"
    ),
    study: Annotated[
        Path | None,
        typer.Option(
            help="a study of your own: its services (with facilities.tags) are looked for; without a place, the file "
            "that it names by sources.demand.url is fetched",
            show_default=False,
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(help="Overpass server; repeat for mirrors, tried in order", show_default=False),
    ] = None,
    nominatim: Annotated[str | None, typer.Option(help="Nominatim server for place names", show_default=False)] = None,
    admin_level: Annotated[
        list[int] | None,
        typer.Option(
            help="admin level of townships, repeat for villages; default: 8, and 10 or else 9", show_default=False
        ),
    ] = None,
    people: Annotated[PeopleFrom, typer.Option(help="where people are taken from")] = PeopleFrom.buildings,
    population: Annotated[
        str | None, typer.Option(help="address of a population grid (GeoTIFF) in place of these", show_default=False)
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="checksum of the grid", show_default=False)] = None,
    margin_km: Annotated[float, typer.Option(min=0.0, help="roads are fetched that far beyond the area")] = 2.0,
    tile_km: Annotated[float, typer.Option(min=0.5, help="side of the largest tile")] = 15.0,
    cache: CacheOption = None,
    max_age_days: AgeOption = 7.0,
    pause_s: PauseOption = 1.0,
    quiet: Quiet = False,  # noqa: FBT002
) -> None:
    """Fetch roads, boundaries, facilities and people of a place from OpenStreetMap into a study folder."""
    from chongming_gis.config import read_study
    from chongming_gis.sources import embedded_study_path, fetching
    from chongming_gis.sources.downloads import Expected
    from chongming_gis.sources.web import Patience, WebClient
    from chongming_gis.terminal import progress_bar

    follows = read_study(study or embedded_study_path())
    if place is None:
        if study is None:
            raise StudyError("fetch: name a place, a box or a polygon layer, or a study with --study")
        _fetch_named(follows, quiet=quiet)
        return
    wish = fetching.Wish(
        place=place,
        folder=out,
        people=people.value,
        population_url=population,
        population=Expected(sha256),
        admin_levels=tuple(admin_level or ()),
        margin_m=margin_km * 1000.0,
        tile_km=tile_km,
    )
    default = fetching.Servers()
    servers = fetching.Servers(tuple(endpoint or default.overpass), nominatim or default.nominatim)
    with progress_bar(follows.outputs.language, quiet=quiet) as progress:
        fetched = fetching.fetch_study(
            wish,
            follows=follows,
            servers=servers,
            client=WebClient(patience=Patience(pause_s=pause_s)),
            cache=_cache(cache, max_age_days),
            progress=progress,
        )
    if not quiet:
        _say(fetched, follows)


def geocode(
    table: Annotated[Path, typer.Argument(help="facility table with names or addresses")],
    study: Annotated[Path, typer.Option(help="study file with a [geocoding] section")],
    service: Annotated[str, typer.Option(help="id of the service whose columns and datum the table has")],
    out: Annotated[
        Path | None, typer.Option(help="table to write; default: <table>-geocoded.csv", show_default=False)
    ] = None,
    cache: CacheOption = None,
    max_age_days: AgeOption = 180.0,
    quiet: Quiet = False,  # noqa: FBT002
) -> None:
    """Look up rows without coordinates at the study's online geocoder; write a table to look through."""
    from chongming_gis.config import read_study
    from chongming_gis.sources import geocodedtable, geocoding
    from chongming_gis.sources.cache import write_whole
    from chongming_gis.sources.web import WebClient
    from chongming_gis.terminal import progress_bar
    from chongming_gis.wording import Words

    config = read_study(study)
    if config.geocoding is None:
        raise StudyError(f"{study}: geocoding is off; add [geocoding] with provider = 'nominatim' or 'tianditu'")
    target = out or table.with_name(f"{table.stem}-geocoded.csv")
    if target.exists():
        raise OutputError(f"{target}: exists already and is not overwritten; name another file with --out")
    client = WebClient(patience=geocoding.patience_of(config.geocoding))
    geocoder = geocoding.geocoder_of(config.geocoding, client=client, cache=_cache(cache, max_age_days))
    with progress_bar(config.outputs.language, quiet=quiet) as progress:
        metric, region = geocodedtable.metric_region(config)
        locator = geocoding.OnlineLocator(
            geocoder,
            metric,
            region,
            config.geocoding.within,
            heard=lambda done, of: progress("geocode", geocoder.name, done, of),
        )
        source = config.service(service).facilities
        found = geocodedtable.geocode_table(table, source, crs=metric, locate=locator)
    try:
        write_whole(target, found.table.to_csv(index=False).encode("utf-8-sig"))
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    if not quiet:
        words = Words(config.outputs.language)
        typer.echo(words("cli.geocoded", path=target, given=found.n_given, found=found.n_found, lost=found.n_lost))


def _fetch_named(study: StudyConfig, *, quiet: bool) -> None:
    from chongming_gis.sources import fetching
    from chongming_gis.sources.web import WebClient
    from chongming_gis.terminal import progress_bar
    from chongming_gis.wording import Words

    with progress_bar(study.outputs.language, quiet=quiet) as progress:
        got = fetching.fetch_named(study, client=WebClient(), progress=progress)
    if quiet:
        return
    words, path = Words(study.outputs.language), study.resolve(study.sources.demand.path)
    if got is None:
        typer.echo(words("cli.fetch_there", path=path))
    else:
        typer.echo(words("cli.fetch_file", path=path, size=f"{got.size_bytes:,}", sha256=got.sha256))


def _cache(folder: Path | None, max_age_days: float) -> Cache:
    from chongming_gis.sources.cache import Cache, default_folder

    return Cache(folder or default_folder(), max_age=dt.timedelta(days=max_age_days))


def _in_words(note: Finding, words: Words) -> str:
    """Return a note in the language of the command, the names of layers too."""
    if note.rule == "fetch_no_areas":
        note = replace(note, details={"what": words(f"word.fetch_{note.details['what']}")})
    return "; ".join(filter(None, (words.finding(note), words.remedy(note))))


def _say(fetched: fetching.Fetched, study: StudyConfig) -> None:
    from chongming_gis.sources.fetchedstudy import STUDY_FILE
    from chongming_gis.wording import Words

    words, counts, path = Words(study.outputs.language), fetched.counts, fetched.folder / STUDY_FILE
    facilities = sum(number for name, number in counts.items() if name.startswith("facilities:"))
    typer.echo(
        words(
            "cli.fetch_done",
            folder=fetched.folder,
            ways=f"{counts['way']:,}",
            townships=counts.get("townships", 0),
            villages=counts.get("villages", 0),
            facilities=facilities,
        )
    )
    for note in fetched.notes:
        typer.echo(words("cli.notice", notice=_in_words(note, words)))
    typer.echo(words("cli.fetch_next" if fetched.is_ready else "cli.fetch_edit", study=path))
