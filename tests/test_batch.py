"""Batches on Dask: shards are done once, failures do not end the rest, a killed worker changes nothing.

The study is the street of ``test_cli``: two homes, one canteen. Its digest names every file of the result folder, so
equal digests are equal bytes (what the stages took is left out).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from chongming_gis import batch, results
from chongming_gis.batch import cluster, districts, shards
from chongming_gis.errors import BatchError, StudyError
from chongming_gis.kernels import threads
from tests.test_cli import PEOPLE, PLACES, STUDY, command, roads

LOOPBACK = pytest.mark.allow_hosts(["127.0.0.1"])


def district(folder, name, *, persons=100):
    """A toy study in a folder of its own; the western home has so many people."""
    folder = folder / name
    folder.mkdir(parents=True)
    (folder / "roads.geojson").write_text(roads(), encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE.replace(",100,", f",{persons},"), encoding="utf-8-sig")
    (folder / "places.csv").write_text(PLACES, encoding="utf-8-sig")
    (folder / "study.toml").write_text(STUDY.replace('id = "toy"', f'id = "{name}"'), encoding="utf-8")
    return folder / "study.toml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two districts, and what they are when they are run one after the other in this process."""
    folder = tmp_path_factory.mktemp("districts")
    paths = [district(folder, "a"), district(folder, "b", persons=120)]
    cases, failed = batch.cases_of(paths)
    assert failed == []
    outcomes = batch.run_districts(cases, folder / "one-by-one", client=None)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    return folder, cases, {outcome.name: outcome.digest for outcome in outcomes}


def test_a_shard_is_a_whole_result_and_is_kept(made, monkeypatch):
    """The folder is a result with a manifest of its shard; the second batch does nothing."""
    folder, cases, digests = made
    assert digests["a"] != digests["b"]
    record = json.loads((folder / "one-by-one" / "a" / batch.SHARD).read_text(encoding="utf-8"))
    assert record["digest"] == digests["a"]
    assert {"access.parquet", "report.html", "coverage.csv", "manifest.json"} <= set(record["files"])
    assert results.load(folder / "one-by-one" / "a").study.id == "a"
    monkeypatch.setattr(districts.pipeline, "run_study", None)  # would fail
    again = batch.run_districts(cases, folder / "one-by-one", client=None)
    assert [(outcome.status, outcome.digest) for outcome in again] == [("kept", digests["a"]), ("kept", digests["b"])]


def test_what_a_key_depends_on(made, tmp_path):
    """Depth, language, a number of the study and a byte of an input make another key; a comment does not."""
    path = district(tmp_path, "a")
    (study,) = (case.study for case in batch.cases_of([path])[0])
    key = shards.key_of(study, depth="daily", language="zh")
    assert key == shards.key_of(made[1][0].study, depth="daily", language="zh")  # the same study in another folder
    assert key != shards.key_of(study, depth="full", language="zh")
    assert key != shards.key_of(study, depth="daily", language="en")
    assert key != shards.key_of(study.model_copy(update={"seed": 7}), depth="daily", language="zh")
    path.write_text(path.read_text(encoding="utf-8") + "# a comment\n", encoding="utf-8")
    assert key == shards.key_of(batch.cases_of([path])[0][0].study, depth="daily", language="zh")
    with (path.parent / "people.csv").open("a", encoding="utf-8") as people:
        people.write("\n")
    assert key != shards.key_of(study, depth="daily", language="zh")


@pytest.mark.parametrize("damage", ["shard.json", "coverage.csv", "access.parquet"])
def test_a_damaged_shard_is_not_whole(made, tmp_path, damage):
    """A lost manifest, a lost table, a cut file: the shard is to be done again."""
    folder = made[0]
    copy = shutil.copytree(folder / "one-by-one" / "a", tmp_path / "a")
    key = json.loads((copy / batch.SHARD).read_text(encoding="utf-8"))["key"]
    assert batch.is_whole(copy, key)
    assert not batch.is_whole(copy, "another")
    if damage == "access.parquet":
        (copy / damage).write_bytes((copy / damage).read_bytes()[:-1])
    else:
        (copy / damage).unlink()
    assert not batch.is_whole(copy, key)


def test_failures_are_listed_and_the_rest_is_kept(made, tmp_path, monkeypatch, capsys):
    """A broken study, a missing input, a twice-used id: exit code 2, each with its reason; the whole ones stand."""
    folder, _, digests = made
    broken = district(tmp_path, "broken")
    broken.write_text(broken.read_text(encoding="utf-8").replace("minutes = 15", "minutes = -1"), encoding="utf-8")
    lacking = district(tmp_path, "lacking")
    (lacking.parent / "people.csv").unlink()
    odd = district(tmp_path, "odd")
    (odd.parent / "places.csv").write_text(PLACES.replace("121.5008,31.5999", "120.0,30.0"), encoding="utf-8")
    twins = [district(tmp_path / "x", "twin"), district(tmp_path / "y", "twin")]
    out = tmp_path / "out"
    shutil.copytree(folder / "one-by-one" / "a", out / "a")
    paths = [folder / "a" / "study.toml", broken, lacking, odd, *twins, folder / "b" / "study.toml"]
    code, said, told = command(monkeypatch, capsys, "batch", *paths, "--out", out, "--workers", 0, "--lang", "zh")
    assert code == 2
    assert "算完 1 个，保留 1 个，失败 4 个" in said
    for words in ("broken/study.toml", "minutes", "people.csv", "c1", "twin: several"):
        assert words in told, words
    records = {record["name"]: record for record in json.loads((out / "batch.json").read_text(encoding="utf-8"))}
    assert {name for name, record in records.items() if record["is_whole"]} == {"a", "b"}
    assert {name: records[name]["digest"] for name in "ab"} == digests
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "batch.json", "coverage.csv"]
    gathered = pd.read_csv(out / "coverage.csv", encoding="utf-8-sig")
    assert gathered["case"].unique().tolist() == ["a", "b"]
    assert gathered["scope"].unique().tolist() == ["district"]


def test_an_unforeseen_fault_fails_its_own_district_only(made, tmp_path, monkeypatch):
    """An exception nobody planned for is told by its name, and the next district is run."""
    _, cases, digests = made
    whole = districts.pipeline.run_study

    def sometimes(study, **rest):
        if study.id == "a":
            raise ZeroDivisionError("by zero")
        return whole(study, **rest)

    monkeypatch.setattr(districts.pipeline, "run_study", sometimes)
    first, second = batch.run_districts(cases, tmp_path, client=None)
    assert (first.status, first.error) == ("failed", "ZeroDivisionError: by zero")
    assert (second.status, second.digest) == ("done", digests["b"])


def test_workers_run_kernels_on_one_thread_and_refuse_another_version(monkeypatch):
    """One thread while the job runs, what was set before after it; a worker with other code would give other bytes."""
    monkeypatch.setenv(threads.THREADS_VARIABLE, "5")
    seen = []
    outcome = shards.attempt("x", lambda: str(seen.append(threads.thread_count())), version=shards.__version__)
    assert (outcome.status, seen, threads.thread_count()) == ("done", [1], 5)
    refused = shards.attempt("x", lambda: "never", version="0.0.0")
    assert refused.status == "failed"
    assert "0.0.0" in refused.error


def test_scenarios_are_every_combination_of_the_changes(made):
    """Two seeds by two limits make four studies of one file; the keys go through ids of lists."""
    folder = made[0]
    changes = batch.read_changes(["seed=1|2", "services.meal_point.standards.walk15.limits.0.minutes=10|20"])
    cases, failed = batch.cases_of([folder / "a" / "study.toml"], changes)
    assert failed == []
    assert [case.name for case in cases] == [
        "a+seed=1+minutes=10",
        "a+seed=1+minutes=20",
        "a+seed=2+minutes=10",
        "a+seed=2+minutes=20",
    ]
    limits = [case.study.services[0].standards[0].limits[0].limit_s for case in cases]
    assert limits == [600.0, 1200.0, 600.0, 1200.0]
    assert [case.study.seed for case in cases] == [1, 1, 2, 2]
    assert len({case.study.digest for case in cases}) == 4


def test_draws_from_ranges(made):
    """Each draw has numbers of its own within the ranges, the same in every batch, however many there are."""
    path = made[0] / "a" / "study.toml"
    key = "services.meal_point.standards.walk15.limits.0.minutes"
    changes = batch.read_changes([f"{key}=10.0..20.0", "region.search_limit_min=30..90", "seed=1|2"])
    three, failed = batch.cases_of([path], changes, draws=3)
    assert failed == []
    assert [case.name for case in three] == [f"a+seed={seed}+draw={draw}" for seed in (1, 2) for draw in (1, 2, 3)]
    minutes = [case.changed[key] for case in three[:3]]
    assert len(set(minutes)) == 3
    assert all(10.0 <= drawn <= 20.0 for drawn in minutes)
    assert three[0].study.services[0].standards[0].limits[0].limit_s == pytest.approx(60.0 * minutes[0])
    assert all(case.changed["region.search_limit_min"] in range(30, 91) for case in three)
    one, _ = batch.cases_of([path], changes, draws=1)
    assert one[0].changed == three[0].changed
    for texts, draws in (["seed=1..9"], 0), (["seed=1|2"], 3), ([], 3):
        with pytest.raises(StudyError, match="--draws"):
            batch.cases_of([path], batch.read_changes(texts), draws=draws)
    for text in ("seed=9..1", "seed=a..b", "seed=true..2", "seed=1..inf"):
        with pytest.raises(StudyError, match="range"):
            batch.read_changes([text])


def test_changes_that_cannot_be_made_say_why(made):
    """Every fault of --set at once; an unknown key or a value the study refuses fails its own study."""
    with pytest.raises(StudyError) as told:
        batch.read_changes(["seed", "x=1|[2", "=3"])
    assert str(told.value).count("--set") == 3
    path = made[0] / "a" / "study.toml"
    for text, words in (
        ("sede=1", "unknown key"),
        ("seed=-1", "seed"),
        ("services.none.group=x", "'none'"),
        ("services.0=1", "entry of a list"),
    ):
        cases, (failed,) = batch.cases_of([path], batch.read_changes([text]))
        assert cases == []
        assert words in failed.error, text


def test_without_dask_the_message_says_what_to_install(monkeypatch):
    """The extra is named, before anything is computed."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BatchError, match=r"pip install chongming-gis\[batch\]"), batch.connect(workers=1):
        pass


class _Future:
    def __init__(self, status, reason=None):
        self.status, self.reason = status, reason

    def exception(self):
        return self.reason


def test_what_dask_gives_up_is_told():
    """A task that ended several workers is a failure with advice; tasks lost with the scheduler end the batch."""
    killed = type("KilledWorker", (Exception,), {})("died")
    outcome = cluster._outcome(_Future("error", killed), "a")
    assert (outcome.name, outcome.status) == ("a", "failed")
    assert "--workers" in outcome.error
    assert "ValueError: odd" in cluster._outcome(_Future("error", ValueError("odd")), "a").error
    with pytest.raises(BatchError, match="the same command again"):
        cluster._outcome(_Future("cancelled"), "a")


def test_nobody_answers_at_the_address(monkeypatch):
    """A wrong address is told with the option's name."""
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.2)
    with pytest.raises(BatchError, match="--scheduler nowhere"), batch.connect("nowhere://127.0.0.1:1"):
        pass


def _wait_for(condition, what, *, seconds=240.0):
    """Return what the condition gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s for {what}")


@LOOPBACK
def test_a_worker_killed_in_the_middle_changes_nothing(made, tmp_path):
    """The process that writes a district is killed; another does it again: the same bytes as without Dask."""
    _, cases, digests = made
    out = tmp_path / "out"
    out.mkdir()
    killed = []

    def kill(client):
        """Kill the worker that has the first district, while its folder is half written."""
        _wait_for(lambda: list(out.glob(".a-*")), "a half-written folder")
        pids = client.run(os.getpid)
        (at,) = [address for address, tasks in client.processing().items() if any("a-" in str(t) for t in tasks)]
        os.kill(pids[at], signal.SIGKILL)
        killed.append(pids[at])

    with batch.connect(workers=2, dashboard=False) as client:
        before = set(client.run(os.getpid).values())
        killer = threading.Thread(target=kill, args=(client,))
        killer.start()
        outcomes = batch.run_districts(cases, out, client=client)
        killer.join()
        assert killed
        assert killed[0] in before
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert {outcome.name: outcome.digest for outcome in outcomes} == digests
    assert sorted(path.name for path in out.iterdir()) == ["a", "b"]  # nothing half written is left


def test_a_batch_whose_scheduler_is_killed_goes_on(made, tmp_path):
    """The process that holds scheduler and client is killed after one district: the next batch does the rest."""
    folder, cases, digests = made
    out = tmp_path / "out"
    paths = [folder / name / "study.toml" for name in "ab"]
    program = [sys.executable, "-m", "chongming_gis", "batch", *paths, "--out", out, "--workers", "1", "--quiet"]
    running = subprocess.Popen(
        [str(part) for part in program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_for(lambda: (out / "a" / batch.SHARD).exists() or running.poll() is not None, "the first district")
        assert running.poll() is None
    finally:
        os.killpg(running.pid, signal.SIGKILL)  # the group that this test started, workers too
        running.wait()
    outcomes = batch.run_districts(cases, out, client=None)
    assert outcomes[0].status == "kept"
    assert {outcome.name: outcome.digest for outcome in outcomes} == digests


def test_the_extra_is_declared():
    """What the message tells to install is there."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {entry.partition(">")[0] for entry in project["optional-dependencies"]["batch"]} == {"dask", "distributed"}
