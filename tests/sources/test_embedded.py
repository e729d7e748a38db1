import pytest

from chongming_gis.errors import InputFileError
from chongming_gis.sources import embedded


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "site" / "chongming_gis"
    folder.mkdir(parents=True)
    monkeypatch.setattr(embedded.resources, "files", lambda name: tmp_path / "site" / name)
    return folder


def put(root):
    path = root / "studies" / "chongming.toml"
    path.parent.mkdir(parents=True)
    path.write_text("")
    return path


def test_an_installed_copy_finds_its_own_study_first(package):
    put(package.parent)
    assert embedded.embedded_study_path() != put(package / "_embedded").parent
    assert embedded.embedded_study_path() == package / "_embedded" / "studies" / "chongming.toml"


def test_a_repository_finds_the_study_beside_the_package(package):
    assert put(package.parent) == embedded.embedded_study_path()


def test_a_copy_without_study_says_so(package):
    with pytest.raises(InputFileError, match="this copy carries no embedded study"):
        embedded.embedded_study_path()
