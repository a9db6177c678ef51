"""A user's session in cookies, in a real browser: the page of the example on Flask and on Falcon.

A picture of the page is left in ``build/artifacts/``; the one in ``docs/images/`` is a copy.
"""

from __future__ import annotations

import httpx
import pytest
from examples.spa_app.people import PASSWORD
from tests.browser.example_page import ARTIFACTS, ExamplePage, complaints, cookies_of, forget_everything
from tests.browser.servers import serve_example

ACCESS = 15 * 60
REFRESH = 30 * 86_400
TOKEN = "__Host-access_token"
CSRF = "__Host-csrf_access_token"


@pytest.fixture(scope="module", params=["flask", "falcon"])
def site(request):
    """Return the example on a real server."""
    with serve_example(request.param) as site:
        yield site


@pytest.fixture
def visitor(browser, site):
    """Return the page of a user who is not logged in."""
    forget_everything(browser)
    page = ExamplePage(browser, site.url())
    yield page
    assert [] == complaints(browser)


@pytest.fixture
def page(visitor, site):
    """Return the page of a user who is logged in."""
    visitor.log_in()
    site.calls.clear()
    return visitor


def token_of(page):
    """Return the token, which only the browser and the server can read."""
    return cookies_of(page.browser, page.url)[TOKEN]["value"]


def write_note(page, text):
    """Write a note with the form and wait until it is listed."""
    page.find("[name=text]").send_keys(text)
    page.click("#write button")
    page.wait(lambda: text in page.text("#notes"))


class TestLogin:
    def test_a_wrong_password_is_refused(self, visitor):
        """The message of the server is shown and no cookie is set; the right password starts a session."""
        visitor.type_in(password="wrong")
        assert "the username or password is incorrect" == visitor.wait_for_message()
        assert {} == cookies_of(visitor.browser, visitor.url)

        visitor.type_in()
        visitor.wait(lambda: visitor.is_shown("#signed-in"))
        assert "ada" == visitor.text("#name")

    def test_the_token_is_out_of_reach_of_scripts(self, page):
        """Scripts find the value for the CSRF header, and nowhere the token."""
        token = token_of(page)
        found = page.run("return [document.cookie, JSON.stringify({ ...localStorage, ...sessionStorage })]")

        assert [f"{CSRF}={cookies_of(page.browser, page.url)[CSRF]['value']}", "{}"] == found
        assert token not in page.browser.page_source

    def test_the_cookies_are_for_this_host_alone(self, page):
        """Both are Secure and SameSite=Lax, name no domain, and end with the session; one is HttpOnly."""
        cookies = cookies_of(page.browser, page.url)

        assert {TOKEN: True, CSRF: False} == {name: cookie["httpOnly"] for name, cookie in cookies.items()}
        for cookie in cookies.values():
            assert (True, "Lax", "localhost", "/") == tuple(
                cookie[name] for name in ("secure", "sameSite", "domain", "path")
            )
            assert REFRESH - 60 <= cookie["expires"] - page.run("return Date.now() / 1000") <= REFRESH

    def test_a_reload_keeps_the_session(self, page):
        """The browser sends the cookie with the next page."""
        page.open()

        assert ("ada", True) == (page.text("#name"), page.is_shown("#signed-in"))

    def test_the_controls_have_names(self, visitor):
        """A screen reader names each control, and the keyboard reaches them in their order."""
        names = [
            visitor.find(f"#login {control}").accessible_name for control in ("input", "[type=password]", "button")
        ]

        assert ["Name", "Password", "Log in"] == names


class TestCalls:
    def test_an_unsafe_call_sends_the_csrf_value(self, page):
        """A note is written; the same call without the header, or with another value, writes none."""
        write_note(page, "with the value")
        refusals = page.run("""
            const body = JSON.stringify({ text: "without the value" });
            const post = (headers) =>
                fetch("/api/notes", { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } });
            const answers = await Promise.all([post({}), post({ "X-CSRF-Token": "guessed" })]);
            return Promise.all(answers.map(async (answer) => [answer.status, (await answer.json()).code]));
        """)

        assert [[403, "csrf_failed"]] * 2 == refusals
        page.open()
        assert "with the value" in page.text("#notes")
        assert "without the value" not in page.text("#notes")

    def test_a_note_is_text(self, page):
        """Markup in a note is shown and never run."""
        note = "<img src=x onerror=document.title='run'>"
        write_note(page, note)

        assert (note, "Notes") == (page.text("#notes li:last-child"), page.browser.title)


class TestSilentRefresh:
    def test_access_that_ended_is_renewed_by_the_call(self, page, site):
        """One second before exp the cookie stays; at exp the call is answered and its answer sets the next token."""
        first, end = token_of(page), page.access_ends()
        site.clock.tick(ACCESS - 1)
        assert 200 == page.run('return (await fetch("/api/me")).status')
        assert first == token_of(page)

        site.clock.tick(1)
        page.click("#ask")
        page.wait(lambda: page.access_ends() > end)

        assert token_of(page) != first
        assert [200, 200] == site.count("GET", "/api/me")

    def test_an_unsafe_call_is_renewed_too(self, page, site):
        """A note that is sent at exp is written once."""
        first = token_of(page)
        site.clock.tick(ACCESS)
        write_note(page, "at exp")

        assert token_of(page) != first
        assert [200] == site.count("POST", "/api/notes")

    def test_parallel_calls_at_exp_keep_the_session(self, page, site):
        """Ten calls that carry the same expired cookie are all answered, and so is the next one."""
        site.clock.tick(ACCESS)
        statuses = page.run("""
            const answers = await Promise.all(Array.from({ length: 10 }, () => fetch("/api/me")));
            return answers.map((answer) => answer.status);
        """)
        assert [200] * 10 == statuses

        write_note(page, "after the race")
        site.clock.tick(ACCESS)
        page.open()
        assert page.is_shown("#signed-in")

    def test_the_session_ends_at_rf_exp(self, page, site):
        """One second before rf_exp a call is still answered; at rf_exp the page asks for a login."""
        site.clock.tick(REFRESH - 1)
        end = page.access_ends()
        page.click("#ask")
        page.wait(lambda: page.access_ends() != end)

        site.clock.tick(1)
        page.click("#ask")

        assert "the token's refresh lifespan has expired" == page.wait_for_message()
        assert page.is_shown("#signed-out")


class TestSecondTab:
    def test_shares_the_session_and_its_end(self, page):
        """A second tab is signed in; a logout there signs the first tab out, and a login there signs it in again."""
        first = page.browser.current_window_handle
        page.browser.switch_to.new_window("tab")
        second = ExamplePage(page.browser, page.url)
        assert "ada" == second.text("#name")

        second.click("#logout")
        second.wait(lambda: second.is_shown("#signed-out"))
        page.browser.switch_to.window(first)
        page.wait(lambda: page.is_shown("#signed-out"))
        assert "You logged out in another tab." == page.text("#message")

        page.log_in()
        page.browser.switch_to.window(next(tab for tab in page.browser.window_handles if tab != first))
        second.wait(lambda: second.is_shown("#signed-in"))


PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1"}


class Phone:
    """Another device of the user, which is no browser of this test."""

    def __init__(self, page):
        self._url = f"{page.url}api/me"
        login = httpx.post(f"{page.url}api/token", json={"username": "ada", "password": PASSWORD}, headers=PHONE)
        self._headers = {"Authorization": f"Bearer {login.json()['access_token']}"}

    def call(self):
        """Return the status of a call, and the code of its error or None."""
        answer = httpx.get(self._url, headers=self._headers)
        return answer.status_code, answer.json().get("code")


def devices(page):
    """Return the devices in the list of sessions."""
    return [line.split(", since ")[0] for line in page.text("#sessions").splitlines() if ", since " in line]


class TestSessions:
    def test_lists_the_devices_and_logs_one_out(self, page):
        """The user sees both sessions, and ends the one on the phone; the current one has no button."""
        page.click("#logout-others")
        page.wait(lambda: len(devices(page)) == 1)
        phone = Phone(page)
        page.open()
        assert ["Safari on iPhone", "Chrome on Linux"] == devices(page)
        assert page.text("#sessions").endswith("(this one)")
        assert (200, None) == phone.call()

        button = page.find("#sessions button")
        assert "Log out Safari on iPhone" == button.accessible_name
        button.click()
        page.wait(lambda: devices(page) == ["Chrome on Linux"])

        assert (401, "revoked_token") == phone.call()

    def test_logs_out_everywhere_else(self, page, site):
        """All sessions end but the current one, which is refreshed as before."""
        phones = [Phone(page), Phone(page)]
        page.open()
        assert {"Safari on iPhone", "Chrome on Linux"} == set(devices(page))

        page.click("#logout-others")
        page.wait(lambda: devices(page) == ["Chrome on Linux"])

        assert [(401, "revoked_token")] * 2 == [phone.call() for phone in phones]
        site.clock.tick(ACCESS)
        page.open()
        assert page.is_shown("#signed-in")


class TestLogout:
    def test_deletes_the_cookies_and_ends_the_session(self, page):
        """The browser has no cookie, a reload shows the login, and a copy of the token is worth nothing."""
        copy = {"Authorization": f"Bearer {token_of(page)}"}
        assert 200 == httpx.get(f"{page.url}api/me", headers=copy).status_code

        page.click("#logout")
        assert "You are logged out." == page.wait_for_message()

        assert {} == cookies_of(page.browser, page.url)
        assert "revoked_token" == httpx.get(f"{page.url}api/me", headers=copy).json()["code"]
        page.open()
        assert page.is_shown("#signed-out")


SIDE_BY_SIDE = """
    document.body.style = "margin: 0; padding: 16px; display: flex; gap: 16px; align-items: start; background: #fff";
    for (const picture of arguments[0]) {
        const image = document.createElement("img");
        image.src = `data:image/png;base64,${picture}`;
        image.style = "width: 460px; border: 1px solid #d5dcd9; border-radius: 8px";
        document.body.append(image);
        await image.decode();
    }
"""


class TestPicture:
    def test_shows_both_states(self, browser):
        """The picture shows the page before the login and with a session."""
        forget_everything(browser)
        browser.set_window_size(500, 1200)
        with serve_example("flask") as site:
            page = ExamplePage(browser, site.url())
            before = page.find("body").screenshot_as_base64
            Phone(page)
            page.log_in()
            write_note(page, "The browser sends the cookie, the page sends the CSRF value.")
            page.run("document.activeElement.blur()")
            after = page.find("body").screenshot_as_base64
        browser.get("about:blank")
        browser.set_window_size(974, 980)
        page.run(SIDE_BY_SIDE, [before, after])
        ARTIFACTS.mkdir(parents=True, exist_ok=True)

        assert browser.save_screenshot(str(ARTIFACTS / "spa.png"))
        assert (ARTIFACTS / "spa.png").stat().st_size > 10_000
