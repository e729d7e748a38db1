"""How many threads, and that ranges cover everything once."""

import os
import threading

import pytest

from chongming_gis.kernels import threads


@pytest.mark.parametrize("asked", ["1", "2", "7"])
def test_the_environment_may_say_how_many(monkeypatch, asked):
    monkeypatch.setenv("CHONGMING_THREADS", asked)
    assert threads.thread_count() == int(asked)


@pytest.mark.parametrize("asked", ["", "0", "-2", "many", "1.5"])
def test_otherwise_the_processors_this_process_is_allowed(monkeypatch, asked):
    monkeypatch.setenv("CHONGMING_THREADS", asked)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert threads.thread_count() == allowed


@pytest.mark.parametrize("n_threads", ["1", "2", "5"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 19, 20, 21, 1000])
def test_ranges_cut_everything_once_and_come_back_in_order(monkeypatch, n_threads, n):
    monkeypatch.setenv("CHONGMING_THREADS", n_threads)
    ranges = threads.over_ranges(n, lambda start, stop: (start, stop))
    assert [i for start, stop in ranges for i in range(start, stop)] == list(range(n))
    assert len(ranges) >= 1


def test_an_error_in_one_range_is_not_lost(monkeypatch):
    monkeypatch.setenv("CHONGMING_THREADS", "3")

    def run(start, stop):
        if start <= 5 < stop:
            raise ValueError("five")

    with pytest.raises(ValueError, match="five"):
        threads.over_ranges(10, run)


def test_one_thread_starts_none(monkeypatch):
    monkeypatch.setenv("CHONGMING_THREADS", "1")
    assert set(threads.over_ranges(9, lambda *_: threading.current_thread())) == {threading.current_thread()}


@pytest.mark.parametrize("n_threads", ["1", "3"])
def test_what_is_made_of_each_value_stands_in_the_order_of_the_values(monkeypatch, n_threads):
    monkeypatch.setenv("CHONGMING_THREADS", n_threads)
    assert threads.each_on_threads([3, 1, 2], lambda value: value * 10) == [30, 10, 20]
    assert threads.each_on_threads([], lambda value: value) == []
