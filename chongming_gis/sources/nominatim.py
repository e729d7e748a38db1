"""Names of places -> places, through osmnx and a Nominatim server.

osmnx puts the question and picks the first polygon; what it does not do is done here: its settings are set for one
call and given back, a refused question is asked again a limited number of times (osmnx itself waits 55 seconds and
tries for ever), and answers are kept with checksum and date.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import requests

from chongming_gis.errors import FetchError
from chongming_gis.sources.web import USER_AGENT, Request, ServerError, WebClient, failures_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chongming_gis.sources.cache import Cache

#: The usage policy of the foundation's server allows one request a second and no bulk geocoding.
DEFAULT_URL = "https://nominatim.openstreetmap.org"
_LANGUAGES = "zh,en"
_INSTEAD = "Instead, give the area as west,south,east,north or as a file of polygons"
_NOTHING = b""  # the answer "no such place"


@dataclass(frozen=True, slots=True)
class Nominatim:
    """A Nominatim server, the client by whose patience it is asked, and where answers are kept."""

    client: WebClient
    cache: Cache
    url: str = DEFAULT_URL

    def find_area(self, name: str) -> gpd.GeoDataFrame | None:
        """Return the first area of a name (one row, WGS 84), None where none is known.

        Raises
        ------
        FetchError
            The server cannot be reached or does not answer.
        """
        return self._find(name, which=None)

    def find_place(self, address: str) -> gpd.GeoDataFrame | None:
        """Return the best match of an address, of whatever shape (one row, WGS 84), None where none is known.

        Raises
        ------
        FetchError
            The server cannot be reached or does not answer.
        """
        return self._find(address, which=1)

    def _find(self, text: str, *, which: int | None) -> gpd.GeoDataFrame | None:
        key = Request("search", {"q": text, "which": str(which)}).key(self.url)
        kept = self.cache.get(key)
        if kept is None:
            body = self._ask(text, which)
            kept = self.cache.put(key, server=self.url, body=body)
        return _read(kept.body)

    def _ask(self, text: str, which: int | None) -> bytes:
        patience = self.client.patience
        for tried in range(patience.rounds):
            try:
                return self._ask_once(text, which)
            except ServerError as error:
                failure = error.failure
            if self.client.is_hopeless(failure) or tried == patience.rounds - 1:
                break
            self.client.wait(self.client.pause_before(tried, [failure]))
        raise FetchError(failures_in_words({self.url: failure}, _INSTEAD))

    def _ask_once(self, text: str, which: int | None) -> bytes:
        import osmnx
        from osmnx._errors import InsufficientResponseError, ResponseStatusCodeError

        try:
            with self._settings(osmnx.settings):
                found = osmnx.geocode_to_gdf(text, which_result=which)
        except requests.exceptions.RequestException as error:
            raise self.client.told(error, self.url) from error
        except TypeError:  # places of that name, but no area
            return _NOTHING
        except InsufficientResponseError as error:
            if "0 results" in str(error) or "result(s) but" in str(error):
                return _NOTHING
            raise ServerError(f"gives no answer of Nominatim ({_one_line(error)})") from error
        except (ResponseStatusCodeError, KeyError, ValueError) as error:
            raise ServerError(f"gives no answer of Nominatim ({_one_line(error)})") from error
        return str(found.to_json(drop_id=True)).encode()

    @contextlib.contextmanager
    def _settings(self, settings: Any) -> Iterator[None]:
        wanted = {
            "nominatim_url": self.url,
            "use_cache": False,
            "http_user_agent": USER_AGENT,
            "http_referer": "",
            "http_accept_language": _LANGUAGES,
            "requests_timeout": self.client.patience.connect_s * 2,
            "requests_kwargs": {
                "hooks": {"response": _refuse_busy},
                "proxies": self.client.proxies(self.url),
            },
        }
        before = {name: getattr(settings, name) for name in wanted}
        try:
            for name, value in wanted.items():
                setattr(settings, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(settings, name, value)


def _refuse_busy(response: requests.Response, *_: object, **__: object) -> None:
    """Raise on an error status, before osmnx sees it and waits."""
    WebClient.refuse(response)


def _read(body: bytes) -> gpd.GeoDataFrame | None:
    if body == _NOTHING:
        return None
    return gpd.GeoDataFrame.from_features(json.loads(body)["features"], crs="EPSG:4326")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
