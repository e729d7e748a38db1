"""The HTTP client against a server on loopback and a clock that jumps."""

import hashlib
import json
import socket
import time

import numpy as np
import pytest

from chongming_gis import __version__
from chongming_gis.errors import FetchError
from chongming_gis.sources import downloads, web
from chongming_gis.sources.web import Patience, Request, UnfitAnswerError, WebClient
from tests.standin import overpass as standin

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
BOX = '[out:json][bbox:47.0,9.0,47.1,9.1];\n(\n  way["highway"];\n);\n(._;>;);\nout meta;'
ASKED = Request("interpreter", form={"data": BOX})


class NoExtract:
    def answer(self, _query):
        return [{"type": "node", "id": 1, "lat": 47.0, "lon": 9.0}]


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def server():
    yield from standin.serve(NoExtract())


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def client(clock=None, **patience):
    clock = clock or Clock()
    return WebClient(patience=Patience(**patience), clock=clock, sleep=clock.sleep)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_it_names_itself_and_its_version(server):
    client().ask(ASKED, [server.url])
    assert server.agents[0].startswith(f"chongming-gis/{__version__} ")


def test_an_answer_has_its_checksum(server):
    answer = client().ask(ASKED, [server.url])
    assert json.loads(answer.body)["elements"][0]["id"] == 1
    assert answer.sha256 == hashlib.sha256(answer.body).hexdigest()
    assert answer.server == server.url


def test_two_requests_to_one_host_keep_their_distance(server):
    clock = Clock()
    asking = client(clock, pause_s=1.5)
    for _ in range(3):
        asking.ask(ASKED, [server.url])
    assert clock.slept == [1.5, 1.5]


@pytest.mark.parametrize("mode", ["429", "500", "502", "503", "504", "truncated", "hang-up"])
def test_it_asks_again(server, mode):
    server.modes = [mode, mode]
    assert json.loads(client().ask(ASKED, [server.url]).body)["elements"]
    assert len(server.queries) == 3


def test_retry_after_is_waited_for_exactly(server):
    clock, server.modes = Clock(), ["429"]
    client(clock, pause_s=0.0).ask(ASKED, [server.url])
    assert clock.slept == [7.0]


def test_pauses_double_with_seeded_jitter(server):
    server.modes = ["503"] * 4
    clock = Clock()
    client(clock, pause_s=0.0, backoff_s=4.0).ask(ASKED, [server.url])
    share = np.array(clock.slept) / (4.0 * 2.0 ** np.arange(4))
    assert ((share >= 0.5) & (share < 1.5)).all()
    server.modes = ["503"] * 4
    again = Clock()
    client(again, pause_s=0.0, backoff_s=4.0).ask(ASKED, [server.url])
    assert again.slept == clock.slept


def test_retry_after_may_be_a_date():
    in_a_minute = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    assert 50.0 < web._retry_after_s(in_a_minute) <= 60.0
    assert web._retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_it_gives_up_and_says_what_the_server_did_and_what_to_do(server):
    server.modes = ["503"] * 9
    with pytest.raises(FetchError, match=r"answers 503 .*: The server is busy\. Use a file$"):
        client(rounds=3).ask(ASKED, [server.url], instead="Use a file")
    assert len(server.queries) == 3


def test_a_server_that_wants_too_long_a_rest_is_left_alone(server):
    clock, server.modes = Clock(), ["429"]
    with pytest.raises(FetchError, match="answers 429"):
        client(clock, longest_wait_s=5.0).ask(ASKED, [server.url])
    assert (clock.slept, len(server.queries)) == ([], 1)


def test_a_question_that_is_wrong_is_not_repeated(server):
    server.modes = ["400"]
    with pytest.raises(FetchError, match="answers 400"):
        client().ask(ASKED, [server.url])
    assert len(server.queries) == 1


def test_mirrors_are_tried_in_order_without_waiting(server):
    clock, server.modes = Clock(), ["503"]
    mirror = server.url.replace("/api", "/mirror/api")
    answer = client(clock, pause_s=0.0).ask(ASKED, [f"http://127.0.0.1:{closed_port()}/api", server.url, mirror])
    assert answer.server == mirror
    assert clock.slept == []


def test_a_slow_answer_is_a_timeout(server):
    server.modes = ["slow", "slow"]
    start = time.monotonic()
    with pytest.raises(web.SlowServerError, match="is silent for 0 s"):
        client(silence_s=0.2, rounds=2).ask(ASKED, [server.url])
    assert time.monotonic() - start < 5.0


def test_an_answer_that_drips_for_ever_is_cut_off(server):
    clock = Clock()
    asking = client(clock, total_s=-1.0, rounds=1)
    with pytest.raises(web.SlowServerError, match="is slow"):
        asking.ask(ASKED, [server.url])


def test_an_answer_beyond_the_limit_is_refused(server):
    with pytest.raises(FetchError, match="larger than 10 bytes"):
        client(max_bytes=10).ask(ASKED, [server.url])
    assert len(server.queries) == 1


def test_an_answer_that_is_not_accepted_is_asked_for_again(server):
    refused = iter([True, False])

    def accept(answer):
        if next(refused):
            raise UnfitAnswerError("is half")

    client().ask(ASKED, [server.url], accept=accept)
    assert len(server.queries) == 2


def test_without_a_network_it_fails_in_seconds_without_a_second_try():
    clock, start = Clock(), time.monotonic()
    servers = [f"http://127.0.0.1:{closed_port()}", f"http://127.0.0.1:{closed_port()}"]
    with pytest.raises(
        FetchError, match=r"no server can be reached; is there a network\? http.*refused.*\. Use a file"
    ):
        client(clock).ask(ASKED, servers, instead="Use a file")
    assert clock.slept == []
    assert time.monotonic() - start < 3.0
    assert issubclass(FetchError, OSError)


def test_a_network_that_fails_later_is_given_time(server):
    clock = Clock()
    asking = client(clock, rounds=3)
    asking.ask(ASKED, [server.url])
    asking._reached.add(f"127.0.0.1:{(port := closed_port())}")
    with pytest.raises(FetchError, match="cannot be reached"):
        asking.ask(ASKED, [f"http://127.0.0.1:{port}"])
    assert len(clock.slept) >= 2


def test_proxies_of_the_environment_are_named_without_password_and_not_used_here(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{closed_port()}")
    client().ask(ASKED, [server.url])  # this computer itself is asked directly
    with pytest.raises(FetchError, match=r"through the proxy of the environment \(http://127\.0\.0\.1:\d+\)") as caught:
        client().ask(ASKED, ["http://overpass.invalid"])
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_told():
    with pytest.raises(FetchError, match="overpass"):
        client().ask(ASKED, ["overpass"])


class TestDownload:
    CONTENT = bytes(range(256)) * 400

    @pytest.fixture
    def url(self, server):
        server.files["/grid.tif"] = self.CONTENT
        return server.url.replace("/api", "/grid.tif")

    def test_a_file_comes_whole_with_its_checksum(self, url, tmp_path):
        digest = hashlib.sha256(self.CONTENT).hexdigest()
        got = downloads.fetch_file(client(), url, tmp_path / "g.tif", expected=downloads.Expected(digest, 102_400))
        assert (tmp_path / "g.tif").read_bytes() == self.CONTENT
        assert (got.sha256, got.size_bytes, got.resumed_from_bytes) == (digest, 102_400, 0)
        assert [path.name for path in tmp_path.iterdir()] == ["g.tif"]

    def test_half_a_file_is_continued(self, server, url, tmp_path):
        server.modes = ["truncated"]
        got = downloads.fetch_file(client(), url, tmp_path / "g.tif")
        assert (tmp_path / "g.tif").read_bytes() == self.CONTENT
        assert 0 < got.resumed_from_bytes <= 51_200
        assert server.ranges == [None, f"bytes={got.resumed_from_bytes}-"]

    def test_a_file_that_has_changed_is_begun_again(self, server, url, tmp_path):
        server.modes = ["truncated"] * 2
        with pytest.raises(FetchError, match="breaks off"):
            downloads.fetch_file(client(rounds=1), url, tmp_path / "g.tif")
        assert not (tmp_path / "g.tif").exists()
        server.files["/grid.tif"] = b"new" * 30_000
        server.modes = []
        downloads.fetch_file(client(), url, tmp_path / "g.tif")
        assert (tmp_path / "g.tif").read_bytes() == b"new" * 30_000

    def test_another_checksum_is_refused_and_nothing_is_left(self, url, tmp_path):
        with pytest.raises(FetchError, match=r"not the file that was expected: its sha256 is .*, not the 0{64}"):
            downloads.fetch_file(client(), url, tmp_path / "g.tif", expected=downloads.Expected("0" * 64))
        assert list(tmp_path.iterdir()) == []

    def test_a_file_beyond_its_size_is_refused(self, url, tmp_path):
        with pytest.raises(FetchError, match="more than the 100 bytes that are allowed"):
            downloads.fetch_file(client(), url, tmp_path / "g.tif", expected=downloads.Expected(size_bytes=100))
        assert not (tmp_path / "g.tif").exists()

    def test_a_smaller_file_is_refused(self, url, tmp_path):
        with pytest.raises(FetchError, match="102,400 bytes, not the 200,000"):
            downloads.fetch_file(client(), url, tmp_path / "g.tif", expected=downloads.Expected(size_bytes=200_000))

    def test_a_file_that_is_not_there_is_told(self, url, tmp_path):
        with pytest.raises(FetchError, match=r"answers 404 .*: not here\. Use another"):
            downloads.fetch_file(client(), f"{url}x", tmp_path / "g.tif", instead="Use another")
