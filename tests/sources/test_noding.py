from itertools import pairwise

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis.sources.noding import split_at_junctions

lines_of_vertices = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=7), min_size=1, max_size=6)
vertex_sets = st.frozensets(st.integers(0, 8), max_size=3)


def slow_split(lines, unknown, barriers):
    """Walk each line with plain lists: runs of known vertices, then cuts where a vertex is used twice or blocks."""
    runs = []
    for number, line in enumerate(lines):
        run = []
        for vertex in [*line, None]:
            if vertex is None or vertex in unknown:
                runs.append((number, run))
                run = []
            elif not run or run[-1] != vertex:
                run.append(vertex)
    runs = [(number, run) for number, run in runs if len(run) > 1]
    uses = [vertex for _, run in runs for vertex in run]
    edges = []
    for number, run in runs:
        along = [run[0]]
        for place, vertex in enumerate(run[1:], start=1):
            along.append(vertex)
            is_end = place == len(run) - 1
            if is_end or uses.count(vertex) > 1 or vertex in barriers or run[place - 1] == run[place + 1]:
                edges.append((number, tuple(along)))
                along = [vertex]
    return edges


@given(lines_of_vertices, vertex_sets, vertex_sets)
def test_equals_the_slow_walk(lines, unknown, barriers):
    coords = np.array([[float(i), float(i * i)] for i in range(9)])
    coords[list(unknown)] = np.nan
    is_barrier = np.isin(np.arange(9), list(barriers))
    offsets = np.cumsum([0, *map(len, lines)])
    pieces = split_at_junctions(offsets, np.concatenate([np.array(line) for line in lines]), coords, is_barrier)
    found = [
        (int(line), tuple(int(x) for x, _ in shapely.get_coordinates(shape)))
        for line, shape in zip(pieces.line, pieces.geometry, strict=True)
    ]
    assert found == slow_split(lines, unknown, barriers)
    assert [along[0] for _, along in found] == pieces.start.tolist()
    assert [along[-1] for _, along in found] == pieces.end.tolist()


@given(lines_of_vertices)
def test_every_known_step_is_drawn_once(lines):
    coords = np.array([[float(i), 0.0] for i in range(9)])
    offsets = np.cumsum([0, *map(len, lines)])
    vertex = np.concatenate([np.array(line) for line in lines])
    pieces = split_at_junctions(offsets, vertex, coords, np.zeros(9, dtype=bool))
    steps = sum(a != b for line in lines for a, b in pairwise(line))
    assert sum(len(shape.coords) - 1 for shape in pieces.geometry) == steps
    assert pieces.n_positions_repeated == sum(map(len, lines)) - len(lines) - steps


def test_a_way_out_and_back_is_split_at_its_tip():
    coords = np.array([[0.0, 0.0], [1.0, 0.0]])
    pieces = split_at_junctions(np.array([0, 3]), np.array([0, 1, 0]), coords, np.zeros(2, dtype=bool))
    assert (pieces.start.tolist(), pieces.end.tolist()) == ([0, 1], [1, 0])


def test_no_lines_give_no_edges():
    none = np.empty(0, dtype=np.int64)
    pieces = split_at_junctions(np.array([0]), none, np.empty((0, 2)), np.empty(0, dtype=bool))
    assert len(pieces.line) == len(pieces.geometry) == 0
