"""The browser that all files share; Chromium and its driver have to be installed, otherwise the tests fail and say so."""

from __future__ import annotations

import shutil

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService


def installed(*names):
    """Return the path of the first of these programs that is installed, or fail."""
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    pytest.fail(f"{names[0]} is not installed; write: apt-get install -y chromium chromium-driver")


@pytest.fixture(scope="session")
def browser():
    """Return a browser without a window."""
    options = ChromeOptions()
    options.binary_location = installed("chromium", "chromium-browser", "google-chrome")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Third-party cookies are allowed: the weakest configuration that users have.
    options.add_experimental_option("prefs", {"profile.cookie_controls_mode": 0})
    # Chromium has no sandbox for root, the usual user in containers, where /dev/shm may be small.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    driver = Chrome(options, ChromeService(installed("chromedriver")))
    driver.set_script_timeout(30)
    yield driver
    driver.quit()
