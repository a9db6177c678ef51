"""The controls of the example's pages, as a user finds them."""

from __future__ import annotations

from pathlib import Path

from examples.spa_app.people import PASSWORD
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

ARTIFACTS = Path(__file__).parents[2] / "build" / "artifacts"
PATIENCE = 20  # seconds until the page must have reacted
LOG_IN = """
    const form = document.getElementById("login");
    [form.elements.username.value, form.elements.password.value] = arguments;
    form.requestSubmit();
"""


def forget_everything(browser):
    """Delete the cookies of all hosts, and close all tabs but one, which is empty."""
    first, *others = browser.window_handles
    for tab in others:
        browser.switch_to.window(tab)
        browser.close()
    browser.switch_to.window(first)
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.get("about:blank")
    browser.get_log("browser")


def cookies_of(browser, url):
    """Return the cookies that the browser would send to an address, by name, with their attributes."""
    found = browser.execute_cdp_cmd("Network.getCookies", {"urls": [url]})["cookies"]
    return {cookie["name"]: cookie for cookie in found}


def complaints(browser):
    """Return what the console holds except refused calls, which it also reports."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["source"] != "network"]


class ExamplePage:
    """A page of the example in the current tab."""

    def __init__(self, browser, url):
        self.browser = browser
        self.url = url
        self.open()

    def open(self):
        """Load the page anew and wait until it knows whether there is a session."""
        self.browser.get(self.url)
        self.wait(lambda: self.is_shown("#signed-in") or self.is_shown("#signed-out"))

    def wait(self, condition):
        """Wait until a condition is true and return its value."""
        return WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(lambda _: condition())

    def find(self, selector):
        """Return an element."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def is_shown(self, selector):
        """Return whether an element is visible."""
        return self.find(selector).is_displayed()

    def text(self, selector):
        """Return the visible text of an element."""
        return self.find(selector).text

    def type_in(self, name="ada", password=PASSWORD):
        """Send the form with the keyboard."""
        for field, text in (("username", name), ("password", password)):
            self.find(f"[name={field}]").clear()
            self.find(f"[name={field}]").send_keys(text)
        self.find("[name=password]").send_keys(Keys.ENTER)

    def log_in(self):
        """Log in and wait for the session."""
        self.run(LOG_IN, "ada", PASSWORD)
        self.wait(lambda: self.is_shown("#signed-in"))

    def click(self, selector):
        """Click on a button."""
        self.find(selector).click()

    def wait_for_message(self):
        """Return the message as soon as there is one."""
        return self.wait(lambda: self.text("#message"))

    def access_ends(self):
        """Return when the access of the session ends, as the page shows it."""
        return self.find("#access-ends").get_attribute("datetime")

    def run(self, script, *arguments):
        """Return the result of the body of an async function."""
        return self.browser.execute_script(f"return (async () => {{ {script} }})()", *arguments)
