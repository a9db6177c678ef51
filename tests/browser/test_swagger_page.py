"""The Swagger page of the example works in a real browser.

A screenshot is left in ``build/artifacts/``; the one in ``docs/images/`` is a copy.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples.restx_app.app import create_app
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import (
    element_to_be_clickable,
    invisibility_of_element_located,
    visibility_of_element_located,
)
from selenium.webdriver.support.wait import WebDriverWait
from tests.browser.servers import serve_wsgi

ARTIFACTS = Path(__file__).parents[2] / "build" / "artifacts"
TIDY = """
    document.querySelectorAll(".curl-command").forEach(command => command.remove());
    document.querySelectorAll(".view-line-link").forEach(icon => icon.remove());
    document.activeElement.blur();
    window.scrollTo(0, 0);
"""
PATIENCE = 30  # seconds until the page must have reacted


@pytest.fixture(scope="module")
def address():
    """Serve the example and return its address."""
    with serve_wsgi(create_app()) as port:
        yield f"http://127.0.0.1:{port}/"


class Page:
    """The Swagger page with its controls."""

    def __init__(self, browser, address):
        self._browser = browser
        self._wait = WebDriverWait(browser, PATIENCE)
        browser.set_window_size(1200, 1735)
        browser.get(address)
        self._see(".opblock")

    def _see(self, selector):
        return self._wait.until(visibility_of_element_located((By.CSS_SELECTOR, selector)), selector)

    def _click(self, selector):
        element = self._wait.until(element_to_be_clickable((By.CSS_SELECTOR, selector)), selector)
        self._browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def execute(self, operation):
        """Try an operation out, with the values that the page proposes; return the status and the body."""
        block = f"#operations-{operation}"
        self._click(f"{block} .opblock-summary")
        self._click(f"{block} .try-out__btn")
        self._click(f"{block} .execute")
        status = self._see(f"{block} .live-responses-table .response .response-col_status").text
        body = self._see(
            f"{block} .live-responses-table .response .highlight-code code, {block} .live-responses-table .response pre"
        ).text
        return int(status.split()[0]), json.loads(body)

    def authorize(self, value):
        """Type a value into the box behind the Authorize button."""
        self._click(".auth-wrapper .authorize")
        described = self._see(".auth-container").text
        self._see(".auth-container input").send_keys(value)
        self._click(".auth-btn-wrapper .authorize")
        self._click(".auth-btn-wrapper .btn-done")
        self._wait.until(invisibility_of_element_located((By.CSS_SELECTOR, ".dialog-ux")))
        return described

    def described(self, operation):
        """Return the text of an unfolded operation."""
        return self._see(f"#operations-{operation}").text

    def fold(self, operation):
        """Hide the details of an operation that is unfolded."""
        self._click(f"#operations-{operation} .opblock-summary")
        self._wait.until(invisibility_of_element_located((By.CSS_SELECTOR, f"#operations-{operation} .opblock-body")))

    def screenshot(self, name):
        """Leave a picture of the page in the folder of artefacts; without the commands, which show the token."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / name
        self._browser.execute_script(TIDY)
        self._browser.save_screenshot(str(path))
        return path


class TestSwaggerPage:
    def test_from_login_to_refusal(self, browser, address):
        """A soldier logs in, authorizes with the token, has access to the camp, and gets a 403 for the treasury."""
        page = Page(browser, address)

        refused = page.execute("camp-get_me")
        assert (refused[0], refused[1]["code"]) == (401, "missing_token")

        page = Page(browser, address)
        status, body = page.execute("session-post_login")
        assert status == 200

        assert "Bearer <token>" in page.authorize(f"Bearer {body['access_token']}")

        assert page.execute("camp-get_me") == (200, {"username": "alice", "roles": ["soldier"]})

        status, body = page.execute("treasury-get_gold")
        assert (status, body["code"]) == (403, "missing_role")
        assert "Roles required: all of general" in page.described("treasury-get_gold")

        for done in ("session-post_login", "camp-get_me"):
            page.fold(done)
        assert page.screenshot("swagger.png").stat().st_size > 10_000
