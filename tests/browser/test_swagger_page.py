"""The Swagger page of the example works in a real browser.

Chromium and its driver have to be installed; otherwise the test fails and says so. A screenshot is left in
``build/artifacts/``; the one in ``docs/images/`` is a copy.
"""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
from examples.restx_app.app import create_app
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import (
    element_to_be_clickable,
    invisibility_of_element_located,
    visibility_of_element_located,
)
from selenium.webdriver.support.wait import WebDriverWait
from werkzeug.serving import make_server

ARTIFACTS = Path(__file__).parents[2] / "build" / "artifacts"
TIDY = """
    document.querySelectorAll(".curl-command").forEach(command => command.remove());
    document.querySelectorAll(".view-line-link").forEach(icon => icon.remove());
    document.activeElement.blur();
    window.scrollTo(0, 0);
"""
PATIENCE = 30  # seconds until the page must have reacted


def installed(*names):
    """Return the path of the first of these programs that is installed, or fail."""
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    pytest.fail(f"{names[0]} is not installed; write: apt-get install -y chromium chromium-driver")


@pytest.fixture(scope="module")
def address():
    """Serve the example on a free port of the loopback and return its address."""
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    """Return a browser without a window."""
    options = ChromeOptions()
    options.binary_location = installed("chromium", "chromium-browser", "google-chrome")
    # Chromium has no sandbox for root, the usual user in containers, where /dev/shm may be small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1735"):
        options.add_argument(argument)
    driver = Chrome(options, ChromeService(installed("chromedriver")))
    yield driver
    driver.quit()


class Page:
    """The Swagger page with its controls."""

    def __init__(self, browser, address):
        self._browser = browser
        self._wait = WebDriverWait(browser, PATIENCE)
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
