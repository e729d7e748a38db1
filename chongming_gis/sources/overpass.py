"""OpenStreetMap through Overpass: an area in tiles, each tile one request that is checked, kept and never asked twice.

Overpass says "too much" in several ways: 429 (no free slot), 504, and 200 with a ``remark`` beside half of the
elements. The last one is taken for what it is: the tile is cut in four. Requests are made one at a time.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely

from chongming_gis.errors import FetchError
from chongming_gis.sources.web import Request, ServerError, SlowServerError, UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chongming_gis.sources.cache import Cache, Kept
    from chongming_gis.sources.web import Answer, WebClient

    Box = tuple[float, float, float, float]  # west, south, east, north in degrees
    Area = shapely.Polygon | shapely.MultiPolygon

#: The instance of the OpenStreetMap foundation's German chapter; its operators ask for fewer than 10,000 requests and
#: 1 GB a day (Overpass API user's manual, Commons).
DEFAULT_ENDPOINTS = ("https://overpass-api.de/api",)
INSTEAD = (
    "Instead, download an .osm.pbf of the region (for instance from download.geofabrik.de), write a study with "
    "`chongming-gis init`, and name the file in it: sources.roads.path. What was fetched so far is kept: the same "
    "command goes on there"
)
MOST_TILES = 400  # beyond this an extract is kinder to a public server, and faster

_QUERY_TIMEOUT_S = 180
_QUERY_BYTES = 512 << 20  # the server's own default
_TOO_MUCH = re.compile(r"timed out|out of memory|run out of|too large|maxsize", re.IGNORECASE)
_SLOT = re.compile(r"Slot available after: (\S+?Z)")
_FREE = re.compile(r"^(\d+) slots? available now", re.MULTILINE)
_BUSY_WAIT_S = 30.0
_SMALLEST_TILE = 0.002  # degrees, about 200 m: a tile that small holds too much of nothing
_CUT = 2
_KM_PER_DEGREE = 111.2  # of latitude


class TooMuchError(Exception):
    """The server could not give all of a tile."""


class Heard(Protocol):
    """What a fetch tells while it works."""

    def __call__(self, done: int, of: int) -> None:
        """Hear that ``done`` of ``of`` requests are answered."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The answer for one tile (or for one question about the whole area)."""

    box: Box
    kept: Kept
    elements: list[dict[str, Any]] = field(repr=False)
    osm_date: str  # timestamp_osm_base: the data are of that moment
    remark: str


@dataclass(frozen=True, slots=True)
class Overpass:
    """Where questions go, through which client, and where answers are kept."""

    client: WebClient
    cache: Cache
    endpoints: tuple[str, ...] = DEFAULT_ENDPOINTS

    def fetch_around(self, box: Box, statements: Sequence[str]) -> Tile:
        """Return what the statements select of the areas that contain the middle of a box (``pivot.here``).

        A query by box finds an area by its outline alone, so not the one that a small box lies in.

        Raises
        ------
        FetchError
            The server does not answer; one without a database of areas cannot.
        """
        x, y = (box[0] + box[2]) / 2.0, (box[1] + box[3]) / 2.0
        try:
            return self.fetch(box, statements, before=f"is_in({y:.7f},{x:.7f})->.here;\n")
        except TooMuchError as error:
            raise FetchError(f"{self.endpoints[0]} gives no whole answer: {error}") from error

    def fetch_tiles(self, boxes: Sequence[Box], statements: Sequence[str], heard: Heard) -> list[Tile]:
        """Return everything that the statements select in some boxes, in order; boxes that are too full are cut.

        Raises
        ------
        FetchError
            A server does not answer, or not wholly even for the smallest tile; what was answered before is kept.
        OutputError
            Answers cannot be kept.
        """
        waiting = list(reversed(boxes))
        done: list[Tile] = []
        cut_for_time: set[Box] = set()  # a server that is slow even for these is simply slow
        while waiting:
            heard(len(done), len(done) + len(waiting))
            box = waiting.pop()
            try:
                done.append(self.fetch(box, statements))
            except TooMuchError as error:
                if min(box[2] - box[0], box[3] - box[1]) / _CUT < _SMALLEST_TILE:
                    said = f"gives no whole answer even for the small tile {_in_words(box)}: {error}"
                    raise FetchError(f"{self.endpoints[0]} {said}. {INSTEAD}") from error
                waiting += reversed(list(quarters(box)))
            except SlowServerError:
                if box in cut_for_time:
                    raise
                parts = list(quarters(box))
                cut_for_time.update(parts)
                waiting += reversed(parts)
        heard(len(done), len(done))
        return done

    def fetch(self, box: Box, statements: Sequence[str], *, before: str = "") -> Tile:
        """Return what the statements select in a box, from the kept answers or from a server.

        Raises
        ------
        FetchError
            No server answers.
        TooMuchError
            The server could not give all of it.
        """
        request = Request("interpreter", form={"data": query(box, statements, before=before)})
        servers = [base_of(endpoint) for endpoint in self.endpoints]
        key = request.key(servers[0])  # the others stand in for the first
        kept = self.cache.get(key)
        if kept is not None:
            try:
                return _tile(box, kept, _read(kept.body))
            except UnfitAnswerError:
                self.cache.forget(key)
        read: dict[str, Any] = {}

        def accept(answer: Answer) -> None:
            read.update(_read(answer.body))

        try:
            answer = self.client.ask(request, servers, accept=accept, slot_wait=self._slot_wait_s, instead=INSTEAD)
        except TooMuchError as error:  # kept too, so that a fetch that goes on need not hear it again
            body = json.dumps({"elements": [], "remark": str(error)}, ensure_ascii=False).encode()
            self.cache.put(key, server=servers[0], body=body)
            raise
        return _tile(box, self.cache.put(key, server=answer.server, body=answer.body), read)

    def _slot_wait_s(self, server: str) -> float | None:
        """Return how long a server that refused wants to be left alone, as its status page says."""
        try:
            with self.client.response("GET", f"{server}/status") as got:
                text = b"".join(self.client.chunks(got)).decode("utf-8", errors="replace")
        except ServerError:
            return None
        return slot_wait_s(text, now=self.cache.now())


def slot_wait_s(status: str, *, now: dt.datetime) -> float | None:
    r"""Return the seconds until the next slot, from the text of Overpass's status page; None where it says nothing.

    Examples
    --------
    >>> now = dt.datetime(2026, 11, 24, 12, 0, 0, tzinfo=dt.UTC)
    >>> slot_wait_s("Rate limit: 2\nSlot available after: 2026-11-24T12:00:17Z, in 17 seconds.", now=now)
    17.0
    >>> slot_wait_s("Rate limit: 2\n2 slots available now.", now=now)
    0.0
    """
    free = _FREE.search(status)
    if free and int(free[1]) > 0:
        return 0.0
    dates = [dt.datetime.fromisoformat(found) for found in _SLOT.findall(status)]
    if dates:
        return max((min(dates) - now).total_seconds(), 0.0)
    return _BUSY_WAIT_S if "Currently running" in status else None


def base_of(endpoint: str) -> str:
    """Return the address of an Overpass API, whether or not ``/interpreter`` was written behind it."""
    return endpoint.rstrip("/").removesuffix("/interpreter")


def query(box: Box, statements: Sequence[str], *, before: str = "") -> str:
    """Return the Overpass QL of some statements in a box: what they select and all that it is made of, with versions.

    Examples
    --------
    >>> print(query((9.5, 47.1, 9.6, 47.2), ['way["highway"]']))
    [out:json][timeout:180][maxsize:536870912][bbox:47.1000000,9.5000000,47.2000000,9.6000000];
    (
      way["highway"];
    );
    (._;>;);
    out meta;
    """
    west, south, east, north = box
    within = f"[bbox:{south:.7f},{west:.7f},{north:.7f},{east:.7f}]"
    listed = "\n".join(f"  {statement};" for statement in statements)
    head = f"[out:json][timeout:{_QUERY_TIMEOUT_S}][maxsize:{_QUERY_BYTES}]{within};"
    return f"{head}\n{before}(\n{listed}\n);\n(._;>;);\nout meta;"


def tiles_of(area: Area, *, side_km: float) -> list[Box]:
    """Return the boxes, no longer than ``side_km``, that cover an area (WGS 84), from the south-west on.

    Raises
    ------
    FetchError
        They would be too many for a public server.
    """
    west, south, east, north = area.bounds
    middle = np.cos(np.radians((south + north) / 2.0))
    columns = max(int(np.ceil((east - west) * _KM_PER_DEGREE * middle / side_km)), 1)
    rows = max(int(np.ceil((north - south) * _KM_PER_DEGREE / side_km)), 1)
    if columns * rows > 50 * MOST_TILES:  # before they are made
        raise FetchError(_too_many(columns * rows))
    x, y = (np.round(np.linspace(*ends), 7).tolist() for ends in ((west, east, columns + 1), (south, north, rows + 1)))
    shapely.prepare(area)
    boxes = [(x[i], y[j], x[i + 1], y[j + 1]) for j in range(rows) for i in range(columns)]
    boxes = [box for box in boxes if area.intersects(shapely.box(*box))]
    if len(boxes) > MOST_TILES:
        raise FetchError(_too_many(len(boxes)))
    return boxes


def quarters(box: Box) -> Iterator[Box]:
    """Yield the four quarters of a box."""
    west, south, east, north = box
    x, y = round((west + east) / 2.0, 7), round((south + north) / 2.0, 7)
    yield from ((west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north))


def _too_many(n: int) -> str:
    return f"the area makes {n:,} requests, more than {MOST_TILES}: too much for a public Overpass server. {INSTEAD}"


def _in_words(box: Box) -> str:
    return ",".join(f"{degrees:.5f}" for degrees in box)


def _read(body: bytes) -> dict[str, Any]:
    """Return the content of a whole answer.

    Raises
    ------
    UnfitAnswerError
        It is no JSON of Overpass, is cut short, or says that the server was busy.
    TooMuchError
        It says that the query took too long or too much memory.
    """
    try:
        content = json.loads(body)
    except ValueError as error:
        start = " ".join(body[:120].decode("utf-8", errors="replace").split())
        raise UnfitAnswerError(f"gives no whole JSON (it begins with {start!r})") from error
    if not isinstance(content, dict) or not isinstance(content.get("elements"), list):
        raise UnfitAnswerError("gives JSON that is no answer of Overpass")
    remark = str(content.get("remark", ""))
    if _TOO_MUCH.search(remark):
        raise TooMuchError(remark)
    if "error" in remark.lower():
        raise UnfitAnswerError(f"gives no whole answer: {remark}")
    return content


def _tile(box: Box, kept: Kept, content: dict[str, Any]) -> Tile:
    osm3s = content.get("osm3s")
    date = osm3s.get("timestamp_osm_base", "") if isinstance(osm3s, dict) else ""
    return Tile(box, kept, content["elements"], str(date), str(content.get("remark", "")))
