"""The solver: silent, with bounds that hold, and an interrupt that keeps what was found."""

import _thread
import math
import signal
import threading

import numpy as np
import pytest
from scipy import sparse

from chongming_gis.siting import highs
from chongming_gis.siting.highs import MipModel, solve


def knapsacks(n_rows=90, n_columns=120):
    """A model that takes HiGHS minutes."""
    rng = np.random.default_rng(0)
    table = sparse.csr_array(rng.random((n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.3))
    return MipModel(
        rng.random(n_columns) + 0.5, table, np.full(n_rows, -np.inf), np.full(n_rows, 5.0), np.zeros(n_columns),
        np.ones(n_columns), np.ones(n_columns, dtype=bool), "maximise",
    )  # fmt: skip


def small(high, sense="maximise"):
    return MipModel(
        np.array([1.0, 2.0, 3.0]), sparse.csr_array(np.ones((1, 3))), np.array([1.0]), np.array([high]), np.zeros(3),
        np.ones(3), np.ones(3, dtype=bool), sense,
    )  # fmt: skip


def test_nothing_is_printed(capfd):
    assert solve(small(2.0)).objective == 5.0
    assert solve(small(2.0, "minimise")).objective == 1.0
    assert capfd.readouterr() == ("", "")


def test_infeasible_has_the_worst_objective_as_its_bound():
    for sense, worst in (("maximise", -math.inf), ("minimise", math.inf)):
        found = solve(small(0.5, sense))
        assert (found.outcome, found.objective, found.bound, len(found.values)) == ("infeasible", worst, worst, 0)


def test_a_model_without_columns_is_feasible_where_its_rows_allow_nothing():
    none = np.empty(0)
    empty = MipModel(
        none, sparse.csr_array((1, 0)), np.array([0.0]), np.array([1.0]), none, none, none.astype(bool), "maximise"
    )
    assert (solve(empty).outcome, solve(empty).objective) == ("optimal", 0.0)
    asked = MipModel(
        none, sparse.csr_array((1, 0)), np.array([1.0]), np.array([1.0]), none, none, none.astype(bool), "maximise"
    )
    assert (solve(asked).outcome, solve(asked).bound) == ("infeasible", -math.inf)


def test_a_start_is_taken():
    model = knapsacks()
    known = solve(model, time_limit_s=1.0)
    again = solve(model, time_limit_s=0.01, start=known.values)
    assert again.objective >= known.objective - 1e-9
    assert again.is_out_of_time


@pytest.fixture
def ctrl_c():
    """Ctrl-C is heard, also where the tests run in the background: a shell lets its background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_keeps_the_best_found_and_its_bound():
    timer = threading.Timer(1.0, _thread.interrupt_main)
    timer.start()
    found = solve(knapsacks(), time_limit_s=60.0)
    timer.join()
    assert found.is_interrupted
    assert not found.is_out_of_time
    assert found.outcome == "feasible"
    table = knapsacks()
    assert (table.matrix @ found.values <= 5.0 + 1e-6).all()
    assert found.objective == pytest.approx(float(table.costs @ found.values))
    assert found.objective < found.bound < math.inf


def test_what_fails_beside_the_main_thread_is_raised(monkeypatch):
    def fail(_):
        raise RuntimeError("no solver")

    monkeypatch.setattr(highs._QuietHighs, "run", fail)
    with pytest.raises(RuntimeError, match="no solver"):
        solve(small(2.0))


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e-9])
def test_a_small_unit_of_the_objective_hides_no_better_answer(unit):
    """Of two things 1 % apart only one may be taken; HiGHS's tolerances are absolute."""
    model = highs.MipModel(
        np.array([1.00, 1.01]) * unit,
        sparse.csr_array(np.array([[1.0, 1.0]])),
        np.array([-np.inf]),
        np.array([1.0]),
        np.zeros(2),
        np.ones(2),
        np.ones(2, dtype=bool),
        "maximise",
    )
    answer = highs.solve(model)
    assert answer.values.tolist() == [0.0, 1.0]
    assert answer.objective == pytest.approx(1.01 * unit, rel=1e-12)
    assert answer.bound == pytest.approx(1.01 * unit, rel=1e-9)
