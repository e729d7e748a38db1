"""Places by address from online geocoders: Nominatim (through osmnx) and Tianditu (with the user's own key).

Off unless the study has a ``[geocoding]`` section, and used by ``chongming-gis geocode`` alone: what they find is
written into a table that a person looks through before the study reads it. Both answer as a ``Locator`` does, like the
gazetteer of the study's own places; what is found outside the region, or only roughly, is not placed but told.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import datums
from chongming_gis.errors import FetchError, StudyError
from chongming_gis.sources import layers
from chongming_gis.sources.nominatim import DEFAULT_URL as NOMINATIM_URL
from chongming_gis.sources.nominatim import Nominatim
from chongming_gis.sources.web import Patience, Request, UnfitAnswerError, WebClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyproj import CRS

    from chongming_gis.config import GeocodingConfig
    from chongming_gis.sources.cache import Cache
    from chongming_gis.sources.web import Answer

    Area = shapely.Polygon | shapely.MultiPolygon

TIANDITU_URL = "https://api.tianditu.gov.cn"
#: A place that is known no better than this is told, not placed; planning assumption: about the size of a village.
COARSEST_M = 3000.0

_INSTEAD = "Instead, write coordinates into the table, or let the study's own places find the rows"
_METRES_PER_DEGREE = 111_200.0
#: How far off a place may be by the ``level`` that Tianditu gives it; planning assumptions. Others are ``_UNKNOWN_M``.
_TIANDITU_M = {
    **dict.fromkeys(("门址", "兴趣点", "POI", "地名地址", "楼栋号"), 100.0),
    **dict.fromkeys(("道路", "路口", "道路交叉口", "热点商圈"), 500.0),
    **dict.fromkeys(("村庄", "村", "社区", "自然村", "开发区"), 1500.0),
    **dict.fromkeys(("乡镇", "街道", "乡镇街道"), 5000.0),
    **dict.fromkeys(("区县", "区", "县", "市", "地级市", "省"), 30_000.0),
}
_UNKNOWN_M = 1000.0
_FOUND, _NO_RESULT = "0", "101"  # status of Tianditu's answers


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that a geocoder gave."""

    lon: float  # WGS 84
    lat: float
    quality_m: float  # how far off it may be
    name: str  # what the geocoder calls it


class Geocoder(Protocol):
    """An online service that knows addresses."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def find(self, address: str) -> Hit | None:
        """Return the place of an address, None where none is known; FetchError where the service does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class NominatimGeocoder:
    """Addresses of OpenStreetMap. A place is as exact as its box is small."""

    nominatim: Nominatim
    name: str = "Nominatim (OpenStreetMap)"

    def find(self, address: str) -> Hit | None:
        """Return the best match of an address."""
        found = self.nominatim.find_place(address)
        if found is None:
            return None
        row = found.iloc[0]
        lon, lat = float(row["lon"]), float(row["lat"])
        width = (float(row["bbox_east"]) - float(row["bbox_west"])) * np.cos(np.radians(lat))
        height = float(row["bbox_north"]) - float(row["bbox_south"])
        half_diagonal_m = float(np.hypot(width, height)) / 2.0 * _METRES_PER_DEGREE
        return Hit(lon, lat, max(round(half_diagonal_m), 10.0), str(row.get("display_name") or row.get("name") or ""))


@dataclass(frozen=True, slots=True)
class TiandituGeocoder:
    """Addresses of the national map service, in CGCS2000. The key is sent, but never kept or shown."""

    client: WebClient
    cache: Cache
    key: str
    url: str = TIANDITU_URL
    name: str = "Tianditu"

    def find(self, address: str) -> Hit | None:
        """Return the best match of an address.

        Raises
        ------
        FetchError
            The service cannot be reached, or refuses the key.
        """
        asked = {"ds": json.dumps({"keyWord": address}, ensure_ascii=False)}
        keep_as = Request("geocoder", asked).key(self.url)
        kept = self.cache.get(keep_as)
        if kept is None:
            request = Request("geocoder", {**asked, "tk": self.key})
            answer = self.client.ask(request, [self.url], accept=_accept_tianditu, instead=_INSTEAD)
            kept = self.cache.put(keep_as, server=self.url, body=answer.body)
        return _hit_of_tianditu(json.loads(kept.body))


@dataclass(frozen=True, slots=True)
class OnlineLocator:
    """A ``Locator`` that asks an online geocoder."""

    geocoder: Geocoder
    crs: CRS  # the study's metric CRS
    region: Area | None = None  # in that CRS; what is found outside is told
    within: str = ""  # written before every address
    heard: Callable[[int, int], None] = lambda done, of: None  # noqa: ARG005

    def locate(self, wanted: pd.DataFrame) -> gpd.GeoDataFrame:
        """Return where places are; see ``placing.Locator``.

        Raises
        ------
        FetchError
            The service does not answer; what it said before is kept.
        """
        questions = [self.question(row) for row in _rows_of(wanted)]
        asked = list(dict.fromkeys(questions))
        known: dict[str, Hit | None] = {}
        for number, question in enumerate(asked):
            self.heard(number, len(asked))
            known[question] = self.geocoder.find(question) if question else None
        return self._frame([known[question] for question in questions], questions, wanted.index)

    def question(self, row: dict[str, str]) -> str:
        """Return what is asked for a row: the region's name, township and village where the address lacks them.

        Nothing is asked about a row that has neither address nor name.
        """
        last = row["address"] or row["name_zh"]
        if not last:
            return ""
        before = [part for part in (row["township_name"], row["village_name"]) if part and part not in last]
        text = "".join([*before, last])
        return text if not self.within or text.startswith(self.within) else f"{self.within}{text}"

    def _frame(self, hits: list[Hit | None], questions: list[str], index: pd.Index) -> gpd.GeoDataFrame:
        points = np.full(len(hits), None, dtype=object)
        hit_rows = [row for row, hit in enumerate(hits) if hit is not None]
        degrees = np.array([(hit.lon, hit.lat) for hit in hits if hit is not None]).reshape(-1, 2)
        geographic = crs_module.parse(crs_module.GEOGRAPHIC, where="this package")
        points[hit_rows] = crs_module.transform(np.asarray(shapely.points(degrees), dtype=object), geographic, self.crs)
        reasons = [self._why_not(*row) for row in zip(hits, questions, points, strict=True)]
        refused = np.array([reason is not None for reason in reasons], dtype=bool)
        points[refused] = None
        kept = [hit if reason is None else None for hit, reason in zip(hits, reasons, strict=True)]
        quality = [np.nan if hit is None else hit.quality_m for hit in kept]
        how = [None if hit is None else f"{self.geocoder.name}: {hit.name}" for hit in kept]
        columns = {
            "position_quality_m": pd.Series(quality, index=index, dtype=float),
            "how": pd.Series(how, index=index, dtype="str"),
            "reason": pd.Series(reasons, index=index, dtype="str"),
        }
        return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(points, index=index, crs=self.crs), crs=self.crs)

    def _why_not(self, hit: Hit | None, question: str, point: shapely.Point | None) -> str | None:
        if not question:
            return "there is neither an address nor a name"
        if hit is None or point is None:
            return f"{self.geocoder.name} does not know {question!r}"
        at = f"{hit.name or question} at {hit.lon:.5f}, {hit.lat:.5f}"
        if hit.quality_m > COARSEST_M:
            return f"{self.geocoder.name} knows only {at}, which may be {hit.quality_m:,.0f} m off"
        if self.region is not None and not self.region.intersects(point):
            return f"{self.geocoder.name} finds {at}, outside the region"
        return None


def geocoder_of(config: GeocodingConfig, *, client: WebClient, cache: Cache) -> Geocoder:
    """Return the geocoder that a study names.

    Raises
    ------
    StudyError
        The environment does not hold the key.
    """
    if config.provider == "nominatim":
        return NominatimGeocoder(Nominatim(client, cache, config.url or NOMINATIM_URL))
    name = config.key_env or ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise StudyError(f"geocoding.key_env: the environment variable {name} is empty; put your Tianditu key into it")
    return TiandituGeocoder(client, cache, key, (config.url or TIANDITU_URL).rstrip("/"))


def patience_of(config: GeocodingConfig) -> Patience:
    """Return how slowly the geocoder is asked."""
    return Patience(pause_s=config.pause_s)


def _rows_of(wanted: pd.DataFrame) -> list[dict[str, str]]:
    names = ("name_zh", "address", "township_name", "village_name")
    texts = {name: layers.text_column(wanted, name, default="").str.strip().tolist() for name in names}
    return [dict(zip(names, row, strict=True)) for row in zip(*texts.values(), strict=True)]


def _accept_tianditu(answer: Answer) -> None:
    """Raise on an answer that is none, or that refuses the key."""
    try:
        content = json.loads(answer.body)
    except ValueError as error:
        raise UnfitAnswerError("gives no whole JSON") from error
    status = str(content.get("status", content.get("code", ""))) if isinstance(content, dict) else ""
    if status not in {_FOUND, _NO_RESULT}:
        said = content.get("msg", content.get("resolve", "")) if isinstance(content, dict) else ""
        raise FetchError(f"{answer.server} refuses (status {status or 'unknown'}: {said}); check your key. {_INSTEAD}")


def _hit_of_tianditu(content: dict[str, Any]) -> Hit | None:
    location = content.get("location")
    if str(content.get("status")) != _FOUND or not isinstance(location, dict):
        return None
    lon, lat = float(location["lon"]), float(location["lat"])
    x, y = datums.DEGREES["cgcs2000"](np.array([lon]), np.array([lat]))
    level = str(location.get("level", ""))
    return Hit(
        float(x[0]),
        float(y[0]),
        _TIANDITU_M.get(level, _UNKNOWN_M),
        f"{location.get('keyWord', '')} ({level or 'no level'})",
    )
