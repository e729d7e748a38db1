"""Fixtures of the pages' tests: the toy result, and a browser without any network that remembers what it was asked."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chongming_gis.results import StudyResult

_LOCAL = ("file:", "data:", "blob:", "about:")
_DRAWN = ".leaflet-map-pane, .frame"


def _load_toy():
    spec = importlib.util.spec_from_file_location("toy_town", Path(__file__).parent / "toy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy():
    """The module that describes the toy town."""
    return _load_toy()


@pytest.fixture(scope="session")
def toy_result(toy) -> StudyResult:
    return toy.result()


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium: skipped with a reason where there is none, failed in CI.

    One a module, not one a session: playwright's event loop must end before anybody else's begins.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        reason = f"no browser found ({', '.join(names)}); install chromium to run the browser tests"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page and everything that must not have happened on it."""

    page: object
    complaints: list[str] = field(default_factory=list)

    def evaluate(self, script: str):
        return self.page.evaluate(script)

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)


@pytest.fixture
def visit(chromium, tmp_path) -> Iterator:
    """Open HTML as a file with the network off; console errors and requests elsewhere fail the test at its end."""
    opened = []

    def open_page(html: str, *, width: int = 1280, height: int = 900, ready: str = _DRAWN) -> Visit:
        path = tmp_path / f"page-{len(opened)}.html"
        path.write_text(html, encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True)
        page = context.new_page()
        page.set_default_timeout(10_000)
        visit = Visit(page)
        page.on("console", lambda m: visit.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(_LOCAL) else visit.complaints.append(r.url))
        page.on("dialog", lambda dialog: visit.complaints.append(dialog.message))
        page.goto(path.as_uri())
        page.wait_for_selector(ready, state="attached")
        opened.append((context, visit))
        return visit

    yield open_page
    complaints = [complaint for _, visit in opened for complaint in visit.complaints]
    for context, _ in opened:
        context.close()
    assert complaints == []
