import re
from importlib.resources import files

import pytest

from chongming_gis.maps import vendored

ASSETS = files("chongming_gis.maps").joinpath("assets")
NAMES = ["leaflet", "leaflet_css", "jquery", "awesome_markers", "awesome_markers_css",
         "awesome_markers_font_css", "glyphicons_css"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_files_carry_everything_they_refer_to(name):
    html = vendored.tags(name)
    assert html.startswith(("<script>", "<style>"))
    for target in re.findall(r"url\(\s*[\"']?([^\"')]+)", html):
        assert target.startswith(("data:", "#"))
    assert "sourceMappingURL" not in html


@pytest.mark.parametrize("path", vendored.OWN)
def test_own_files_name_no_host(path):
    text = vendored.tag(path).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text


@pytest.mark.parametrize("name", [*NAMES])
def test_scripts_cannot_end_their_element_early(name):
    html = vendored.tags(name)
    inside = re.sub(r"</(script|style)>\s*(<script>|<style>|$)", "", html)
    assert "</script" not in inside


def test_leaflet_has_its_marker_images():
    assert 'iconRetinaUrl: "data:image/png;base64,' in vendored.tags("leaflet")


def test_every_folder_is_listed_with_its_licence():
    readme = ASSETS.joinpath("README.md").read_text(encoding="utf-8")
    folders = [entry for entry in ASSETS.iterdir() if entry.is_dir()]
    assert len(folders) >= 6
    for folder in folders:
        assert f"| {folder.name} |" in readme
        if folder.name != "own":
            assert any(file.name.startswith("LICENSE") for file in folder.iterdir())
