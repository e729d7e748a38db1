"""One polite HTTP client for everything that is fetched: maps, population grids, addresses.

It names itself, leaves a pause between two requests to one host, waits as long as a server asks (``Retry-After``),
tries again with growing, jittered pauses, and turns to the next mirror where there is one. A server that was never
reached is not tried twice, so that a computer without a network learns so in seconds.

Proxies are those of the environment (``HTTPS_PROXY`` ...), which offices need, and an error names the one it went
through; passwords of ``.netrc`` are never sent. Clock, sleep and chance are arguments, so that tests do not wait.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import hashlib
import json
import logging
import os
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import numpy as np
import requests
from urllib3.exceptions import HTTPError, MaxRetryError

from chongming_gis import __version__
from chongming_gis.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.random import Generator

USER_AGENT = f"chongming-gis/{__version__} (planning of public services; python-requests/{requests.__version__})"

_LOG = logging.getLogger(__name__)
_CHUNK = 1 << 13  # small, so that a dripping answer is noticed
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})  # worth another try (RFC 9110, RFC 6585)
_TOO_MANY = 429
_GATEWAY_TIMEOUT = 504
_EXCERPT = 200
_LEAST_WAIT_S = 1.0


class SlowServerError(FetchError):
    """Servers were reached, but took too long every time: a smaller question may be answered."""


class UnfitAnswerError(Exception):
    """An answer that came whole but is no answer (an error page, half a text): ask again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How politely and how long a server is asked; seconds."""

    connect_s: float = 8.0
    silence_s: float = 240.0  # without a byte
    total_s: float = 1800.0  # for one answer, however busily it drips
    pause_s: float = 1.0  # between two requests to one host; Nominatim's usage policy allows one a second
    rounds: int = 5  # times each server is asked
    backoff_s: float = 4.0  # doubled from round to round
    longest_backoff_s: float = 120.0
    longest_wait_s: float = 600.0  # a server that asks for more is left alone
    max_bytes: int = 1 << 30  # of one answer held in memory


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a server: a path below its address, with parameters of the address or a form."""

    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None  # a form is posted

    def key(self, server: str) -> str:
        """Return the hash of the request, by which its answer is kept; nothing of it can be read back."""
        asked = {"server": server.rstrip("/"), "path": self.path, "params": dict(self.params)}
        asked |= {} if self.form is None else {"form": dict(self.form)}
        return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    server: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """The checksum of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(slots=True)
class Failure:
    """Why a server did not answer, and what that means for the next try."""

    said: str
    is_final: bool = False
    wait_s: float | None = None  # as the server asked
    is_unreached: bool = False
    status: int | None = None  # of HTTP, where there was one
    is_timeout: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether the server (or the gateway before it) did not answer in time."""
        return self.is_timeout or self.status == _GATEWAY_TIMEOUT


Accept: TypeAlias = "Callable[[Answer], None]"
SlotWait: TypeAlias = "Callable[[str], float | None]"


def _accept_all(answer: Answer) -> None:
    pass


def _no_hint(server: str) -> float | None:  # noqa: ARG001 - the signature of a SlotWait
    return None


class WebClient:
    """Asks servers one request at a time."""

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Generator | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self._clock = clock
        self._sleep = sleep
        self._chance = chance or np.random.default_rng(20261124)
        self._last: dict[str, float] = {}  # host -> when it was left in peace
        self._reached: set[str] = set()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True  # offices that sign for themselves

    def ask(
        self,
        request: Request,
        servers: Sequence[str],
        *,
        accept: Accept = _accept_all,
        slot_wait: SlotWait = _no_hint,
        instead: str = "",
    ) -> Answer:
        """Return the first answer that is accepted.

        Parameters
        ----------
        servers : addresses in the order in which they are tried.
        accept : raises ``UnfitAnswerError`` to have an answer asked for again; what else it raises ends the asking.
        slot_wait : how many seconds a busy server wants to be left alone, where it did not say so itself.
        instead : what a person can do without these servers; the error ends with it.

        Raises
        ------
        FetchError
            No server can be reached, or none gives an answer that is accepted; it says what each did.
        """
        failures: dict[str, Failure] = {}
        waiting = list(dict.fromkeys(server.rstrip("/") for server in servers))
        for tried in range(self.patience.rounds):
            for server in waiting:
                try:
                    answer = self._answer(server, request)
                    accept(answer)
                except ServerError as error:
                    failures[server] = error.failure
                    if error.failure.wait_s is None and error.failure.status == _TOO_MANY:
                        failures[server].wait_s = slot_wait(server)
                except UnfitAnswerError as error:
                    failures[server] = Failure(str(error))
                else:
                    return answer
                _LOG.info("%s: %s", server, failures[server].said)
            waiting = [server for server in waiting if not self.is_hopeless(failures[server])]
            if not waiting or tried == self.patience.rounds - 1:
                break
            self.wait(self.pause_before(tried, [failures[server] for server in waiting]))
        slow = bool(failures) and all(failure.is_slow for failure in failures.values())
        raise (SlowServerError if slow else FetchError)(failures_in_words(failures, instead))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._sleep(seconds)

    def is_hopeless(self, failure: Failure) -> bool:
        """Return whether there is no point in asking that server again."""
        return failure.is_final or (failure.wait_s or 0.0) > self.patience.longest_wait_s

    def pause_before(self, tried: int, failures: list[Failure]) -> float:
        """Return how long to wait (s) before the next round: until the first server wants to be asked again."""
        usual = min(self.patience.backoff_s * 2.0**tried, self.patience.longest_backoff_s)
        usual *= 0.5 + self._chance.random()
        return min(usual if failure.wait_s is None else max(failure.wait_s, _LEAST_WAIT_S) for failure in failures)

    def _answer(self, server: str, request: Request) -> Answer:
        url = f"{server}/{request.path}" if request.path else server
        sent = {"data": dict(request.form)} if request.form is not None else {}
        with self.response("GET" if request.form is None else "POST", url, params=dict(request.params), **sent) as got:
            body = bytearray()
            for chunk in self.chunks(got):
                body += chunk
                if len(body) > self.patience.max_bytes:
                    raise ServerError(f"the answer is larger than {self.patience.max_bytes:,} bytes", is_final=True)
            return Answer(server, bytes(body), dict(got.headers))

    @contextlib.contextmanager
    def response(self, method: str, url: str, **sent: dict[str, str]) -> Iterator[requests.Response]:
        """Give the beginning of an answer, whose body is still to be read; ServerError where there is none."""
        host = urlsplit(url).netloc
        self._wait_for(host)
        patience = (self.patience.connect_s, self.patience.silence_s)
        try:
            response = self._session.request(
                method,
                url,
                stream=True,
                timeout=patience,
                proxies=self.proxies(url),
                **sent,  # type: ignore[arg-type]
            )
            self._reached.add(host)
            with response:
                self.refuse(response)
                yield response
        except requests.exceptions.RequestException as error:
            raise self.told(error, url) from error
        finally:
            self._last[host] = self._clock()

    def _wait_for(self, host: str) -> None:
        if host in self._last:
            left = self.patience.pause_s - (self._clock() - self._last[host])
            if left > 0.0:
                self._sleep(left)

    @staticmethod
    def refuse(response: requests.Response) -> None:
        """Raise ServerError where the status of an answer says that it is none."""
        status = response.status_code
        if status < requests.codes.bad_request:
            return
        page = b""
        with contextlib.suppress(HTTPError):
            page = response.raw.read(4 * _EXCERPT, decode_content=True)
        excerpt = " ".join(_plain(page).split())[:_EXCERPT]
        raise ServerError(
            f"answers {status} {response.reason}{f': {excerpt}' if excerpt else ''}",
            is_final=status not in _BUSY,
            wait_s=_retry_after_s(response.headers.get("Retry-After")),
            status=status,
        )

    def chunks(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body of an answer as it comes; ServerError where it breaks off or takes too long."""
        until = self._clock() + self.patience.total_s
        try:
            for chunk in response.iter_content(_CHUNK):
                yield chunk
                if self._clock() > until:
                    raise ServerError(f"is slow: not done after {self.patience.total_s:.0f} s", is_timeout=True)
        except requests.exceptions.ConnectionError as error:  # silence in the middle of a body
            raise ServerError(f"falls silent in the middle of its answer ({_short(error)})", is_timeout=True) from error
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
            raise ServerError(f"breaks off its answer ({_short(error)})") from error

    def proxies(self, url: str) -> dict[str, str]:
        """Return the environment's proxies for an address; this computer itself is asked directly."""
        found: dict[str, str] = {} if _is_loopback(urlsplit(url).netloc) else requests.utils.get_environ_proxies(url)
        return found

    def told(self, error: requests.exceptions.RequestException, url: str) -> ServerError:
        """Return what an error of requests means for the next try, in words."""
        host, proxies = urlsplit(url).netloc, self.proxies(url)
        named = ", ".join(sorted({_without_password(proxy) for proxy in proxies.values()}))
        through = f" through the proxy of the environment ({named})" if proxies else ""
        cause = error.args[0] if error.args else None
        never_got_there = isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(cause, MaxRetryError)
        if isinstance(error, requests.exceptions.SSLError):
            return ServerError(f"has no valid certificate{through} ({_short(error)})", is_final=True)
        if never_got_there and not isinstance(error, requests.exceptions.ReadTimeout):
            said = f"cannot be reached{through} ({_short(error)})"
            return ServerError(said, is_final=host not in self._reached, is_unreached=True)
        if isinstance(error, requests.exceptions.Timeout):
            return ServerError(f"is silent for {self.patience.silence_s:.0f} s{through}", is_timeout=True)
        is_address = isinstance(error, ValueError)  # InvalidURL, MissingSchema, ...
        return ServerError(f"breaks off{through} ({_short(error)})", is_final=is_address)


class ServerError(Exception):
    """What a server did instead of answering."""

    def __init__(
        self,
        said: str,
        *,
        is_final: bool = False,
        wait_s: float | None = None,
        is_unreached: bool = False,
        status: int | None = None,
        is_timeout: bool = False,
    ) -> None:
        super().__init__(said)
        self.failure = Failure(said, is_final, wait_s, is_unreached, status, is_timeout)


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0]
    return name in {"localhost", "[::1]"} or name.startswith("127.")


def _without_password(proxy: str) -> str:
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.username else proxy


def _retry_after_s(text: str | None) -> float | None:
    """Return the seconds of a ``Retry-After``, which are a number or a date (RFC 9110, 10.2.3).

    Examples
    --------
    >>> _retry_after_s("120"), _retry_after_s(None), _retry_after_s("soon")
    (120.0, None, None)
    """
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    now = dt.datetime.now(dt.UTC)
    return max((date.astimezone(dt.UTC) - now).total_seconds(), 0.0)


def _plain(body: bytes) -> str:
    """Return the words of an error page without its tags."""
    return re.sub(r"<[^>]*>", " ", body.decode("utf-8", errors="replace"))


def _short(error: Exception) -> str:
    """Return the innermost reason of an error of requests, which wraps those of urllib3."""
    reason: object = error
    while isinstance(reason, (requests.exceptions.RequestException, HTTPError)):
        inner = getattr(reason, "reason", None) or (reason.args[0] if reason.args else None)
        if inner is None or isinstance(inner, str) or inner is reason:
            break
        reason = inner
    text = " ".join(str(reason).split())
    return text[-_EXCERPT:] or type(error).__name__


def failures_in_words(failures: Mapping[str, Failure], instead: str) -> str:
    """Return what each server did, and what a person can do instead."""
    said = "; ".join(f"{server} {failure.said}" for server, failure in failures.items())
    nowhere = failures and all(failure.is_unreached for failure in failures.values())
    lead = "no server can be reached; is there a network? " if nowhere else ""
    return f"{lead}{said}{f'. {instead}' if instead else ''}"
