import pytest
import shapely

from chongming_gis.sources import tagged


@pytest.fixture
def yard(tmp_path):
    """A ring of two open ways (a relation with a hole of one way), a relation whose ways are not in the file."""
    square = {1: (0, 0), 2: (4, 0), 3: (4, 4), 4: (0, 4), 5: (1, 1), 6: (2, 1), 7: (2, 2), 8: (1, 2)}
    nodes = "".join(f'<node id="{i}" lon="{121 + x}" lat="{31 + y}"/>' for i, (x, y) in square.items())
    ways = "".join(
        f'<way id="{i}">{"".join(f"""<nd ref="{n}"/>""" for n in refs)}</way>'
        for i, refs in {10: (1, 2, 3), 11: (3, 4, 1), 12: (5, 6, 7, 8, 5)}.items()
    )
    tags = '<tag k="type" v="multipolygon"/><tag k="building" v="farm"/>'
    members = "".join(
        f'<member type="way" ref="{ref}" role="{role}"/>' for ref, role in ((10, "outer"), (11, "outer"), (12, "inner"))
    )
    relations = (
        f'<relation id="30">{members}{tags}</relation>'
        f'<relation id="31"><member type="way" ref="99" role="outer"/>{tags}</relation>'
    )
    path = tmp_path / "yard.osm"
    path.write_text(f'<osm version="0.6">{nodes}{ways}{relations}</osm>')
    return path


def test_relations_have_the_shape_of_their_ways(yard):
    found = tagged.read_tagged(yard, {"building": ("*",)})
    assert found.osm_id == ["r30"]
    square, hole = shapely.box(121, 31, 125, 35), shapely.box(122, 32, 123, 33)
    assert found.geometry[0].equals(square - hole)
    assert found.without_position == ["r31"]


def test_values_that_are_not_wanted_are_left_out(yard):
    assert tagged.read_tagged(yard, {"building": ("house",)}).osm_id == []


def test_chinese_name_first():
    assert tagged.name_of({"name": "Chengqiao", "name:zh": "城桥"}) == "城桥"
    assert tagged.name_of({"name": "Chengqiao"}) == "Chengqiao"
    assert tagged.name_of({}) is None
