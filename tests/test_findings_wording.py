"""Every rule that a reader or a judgement names has its text in both languages, with blanks that it can fill."""

import ast
import re
import string
from pathlib import Path

import pytest

from chongming_gis import wording
from chongming_gis.findings import Finding
from chongming_gis.wording import LANGUAGES, Words

PACKAGE = Path(wording.__file__).parent
CATALOGUE = wording._catalogue()
ALWAYS = {"column", "value", "id", "name"}  # blanks that every finding about a row fills


def rules_of(path):
    """The rules that a module names: texts, and patterns where a part of the name is put in."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            found |= {_pattern(word.value) for word in node.keywords if word.arg == "rule"}
        if isinstance(node, ast.Assign):
            names = [name for target in node.targets for name in _names(target)]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            if len(names) == len(values):
                found |= {_pattern(value) for name, value in zip(names, values, strict=True) if name == "rule"}
    return found - {None}


def _names(target):
    return [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]


def _pattern(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else "[a-z_]+" for part in node.values)
    return None


MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.name != "wording.py" and "_embedded" not in path.parts and rules_of(path)
)


def test_the_modules_that_make_findings_are_found():
    assert {"position.py", "roads.py", "facilities.py", "layers.py"} <= {path.name for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_rule_has_its_text(path):
    told = {key.removeprefix("finding.") for key in CATALOGUE if key.startswith("finding.")}
    lost = sorted(rule for rule in rules_of(path) if not any(re.fullmatch(rule, name) for name in told))
    assert lost == []


def blanks(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(key for key in CATALOGUE if key.startswith("effect.")))
def test_effects_are_said_in_numbers_alone(key):
    assert blanks(CATALOGUE[key]["en"]) <= {"n", "of"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finding_is_said_in_the_language(language):
    finding = Finding(
        "warning", "x.csv", "lies 3 m off the land", "check", rule="off_land", details={"metres": "3 m", "id": "x"}
    )
    words = Words(language)
    assert words.finding(finding) == {"zh": "落在陆地之外，距岸 3 m", "en": "lies 3 m off the land"}[language]
    assert words.remedy(finding) == {"zh": "核对位置", "en": "check its position"}[language]


def test_a_rule_without_a_text_is_told_in_its_message():
    finding = Finding("warning", "x.csv", "something odd", rule="never_heard_of")
    assert (Words("zh").finding(finding), Words("zh").remedy(finding)) == ("something odd", "")


def test_a_finding_that_lacks_a_blank_is_told_in_its_message():
    finding = Finding("warning", "x.csv", "lies off the land", "check", rule="off_land")
    assert Words("zh").finding(finding) == "lies off the land"


def test_values_that_look_like_blanks_stay_text():
    finding = Finding("warning", "x.csv", "m", rule="township_unknown", column="c", value="{id} <b>")
    assert "{id} <b>" in Words("en").finding(finding)
