import datetime as dt
import subprocess
import sys

import pytest

from chongming_gis.errors import OutputError
from chongming_gis.sources import cache
from chongming_gis.sources.cache import Cache
from chongming_gis.sources.web import Request

NOON = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
BODY = '{"elements": [], "name": "富民村"}'.encode()


def kept_cache(folder, **options):
    store = Cache(folder, **options)
    store.put("k", server="http://one", body=BODY)
    return store


def test_an_answer_comes_back_with_checksum_server_and_date(tmp_path):
    put = Cache(tmp_path, now=lambda: NOON).put("k", server="http://one", body=BODY)
    got = Cache(tmp_path, now=lambda: NOON).get("k")
    assert (got.body, got.server, got.date, got.sha256) == (BODY, "http://one", NOON, put.sha256)
    assert (put.is_new, got.is_new) == (True, False)
    assert [path.name for path in tmp_path.iterdir()] == ["k.answer"]  # nothing half-written beside it


def test_the_same_answer_makes_the_same_file(tmp_path):
    one, two = (kept_cache(tmp_path / name, now=lambda: NOON).path("k").read_bytes() for name in "ab")
    assert one == two


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other key", "no json", "missing"])
def test_a_damaged_answer_is_none(tmp_path, damage):
    store = kept_cache(tmp_path)
    path = store.path("k")
    content = path.read_bytes()
    line, packed = content.split(b"\n", 1)
    changed = {
        "cut": content[:-9],
        "flip": line + b"\n" + packed[:20] + bytes([packed[20] ^ 1]) + packed[21:],
        "empty": b"",
        "other key": content.replace(b'"k"', b'"l"', 1),
        "no json": b"\x00\xff\n" + packed,
    }
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    assert store.get("k") is None
    assert store.put("k", server="http://two", body=BODY).is_new
    assert store.get("k").body == BODY


def test_an_old_answer_is_none(tmp_path):
    kept_cache(tmp_path, now=lambda: NOON)
    later = NOON + dt.timedelta(days=7, seconds=1)
    assert Cache(tmp_path, max_age=dt.timedelta(days=7), now=lambda: later).get("k") is None
    assert Cache(tmp_path, max_age=dt.timedelta(days=8), now=lambda: later).get("k").body == BODY
    assert Cache(tmp_path, now=lambda: later).get("k").body == BODY


def test_the_key_is_of_all_that_is_asked_and_of_whom():
    request = Request("interpreter", form={"data": "q"})
    keys = {
        request.key("http://a/api"),
        request.key("http://b/api"),
        Request("interpreter", form={"data": "r"}).key("http://a/api"),
        Request("interpreter", {"data": "q"}).key("http://a/api"),
    }
    assert len(keys) == 4
    assert request.key("http://a/api/") == request.key("http://a/api")


def test_the_folder_is_named_by_the_environment_or_the_system(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    assert cache.default_folder() == tmp_path
    monkeypatch.delenv(cache.FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache.default_folder() == tmp_path / "x" / "chongming-gis"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "l"))
    assert cache.default_folder() == tmp_path / "l" / "chongming-gis"


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"answers cannot be kept there .*--cache or CHONGMING_GIS_CACHE"):
        Cache(tmp_path / "file").put("k", server="s", body=b"")


def test_a_kill_while_writing_leaves_the_last_whole_answer(tmp_path):
    """A process that dies inside ``write_whole`` has written only its temporary file."""
    store = kept_cache(tmp_path)
    program = (
        "import os, sys; from pathlib import Path; from chongming_gis.sources import cache\n"
        "os.fsync = lambda handle: os._exit(9)\n"
        "cache.Cache(Path(sys.argv[1])).put('k', server='s', body=b'another')\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 9
    assert store.get("k").body == BODY
