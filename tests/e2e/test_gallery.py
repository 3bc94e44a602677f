"""The gallery in a browser: every piece is drawn, and nothing of it is too wide."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from sandbox.app import PAGE
from sandbox.gallery import gallery_routes, pieces
from sandbox.slack.serve import serving
from tests.services import CHROMIUM_FLAGS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1024, 1280])
def test_every_piece_hangs_on_the_wall(chromium: Path, width: int):
    from playwright.sync_api import expect, sync_playwright

    app = FastAPI()
    app.include_router(gallery_routes(PAGE))
    app.mount("/page", StaticFiles(directory=PAGE))
    troubles: list[str] = []
    with serving(app) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{url}/gallery")
        expect(page.locator(".piece")).to_have_count(len(pieces()))
        expect(page.locator("#summary")).to_contain_text("all as Slack wants them")
        expect(page.locator(".faults")).to_have_count(0)
        expect(page.locator(".unknown")).to_have_count(0)
        for surface in ("message", "modal"):
            shown = page.locator(f"[data-surface={surface}]").evaluate_all(
                "nodes => nodes.every(n => n.offsetHeight > 60)"
            )
            assert shown, surface
        wide = page.locator(".piece").evaluate_all(
            "nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1).length"
        )
        assert wide == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()
    assert troubles == []
