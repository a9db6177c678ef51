"""The client module of the example keeps a token in memory and refreshes it once for all calls."""

from __future__ import annotations

import pytest
from examples.spa_app.people import PASSWORD
from tests.browser.example_page import ExamplePage, complaints, cookies_of, forget_everything
from tests.browser.servers import ON_BOTH, serve_example

ACCESS = 15 * 60
REFRESH = 30 * 86_400


@pytest.fixture(scope="module")
def site(request):
    """Return the example on a real server, with Flask unless a test asks for both."""
    with serve_example(getattr(request, "param", "flask")) as site:
        yield site


@pytest.fixture
def page(browser, site):
    """Return the page of a user who is logged in."""
    forget_everything(browser)
    page = ExamplePage(browser, site.url("/header.html"))
    page.log_in()
    site.calls.clear()
    yield page
    assert [] == complaints(browser)


class TestSession:
    def test_adds_the_token_to_calls(self, page, site):
        """Calls before exp are answered; no call refreshes."""
        site.clock.tick(ACCESS - 1)
        page.click("#ten")

        assert f"Answers: {' '.join(['200'] * 10)}" == page.wait_for_message()
        assert [200] * 10 == site.count("GET", "/api/me")
        assert [] == site.count("PUT", "/api/token")

    @ON_BOTH
    def test_ten_calls_at_exp_cause_one_refresh(self, page, site):
        """Ten parallel calls at exp are all answered, and the token was refreshed once."""
        before = page.access_ends()
        site.clock.tick(ACCESS)
        page.click("#ten")

        assert f"Answers: {' '.join(['200'] * 10)}" == page.wait_for_message()
        assert [200] == site.count("PUT", "/api/token")
        assert [200] * 10 + [401] * 10 == sorted(site.count("GET", "/api/me"))
        assert before < page.access_ends()

    def test_the_next_expiry_causes_the_next_refresh(self, page, site):
        """The refreshed token is refreshed in its turn."""
        for _ in range(2):
            site.clock.tick(ACCESS)
            page.click("#ten")
            assert f"Answers: {' '.join(['200'] * 10)}" == page.wait_for_message()

        assert [200, 200] == site.count("PUT", "/api/token")

    def test_the_end_of_the_session_signs_out(self, page, site):
        """At rf_exp no call refreshes, and the page asks for a login; one second earlier it refreshes."""
        site.clock.tick(REFRESH - 1)
        page.click("#ten")
        assert f"Answers: {' '.join(['200'] * 10)}" == page.wait_for_message()

        site.clock.tick(1)
        page.click("#ten")
        page.wait(lambda: page.is_shown("#signed-out"))

        assert "You are signed out." == page.text("#message")
        assert [200] == site.count("PUT", "/api/token")

    @ON_BOTH
    def test_a_logout_ends_the_session(self, page, site):
        """The server revokes the session and the page asks for a login."""
        page.click("#logout")
        page.wait(lambda: page.is_shown("#signed-out"))

        assert [200] == site.count("DELETE", "/api/token")

    def test_a_reload_forgets_the_token(self, page, browser):
        """Nothing of the session is left in cookies or in storage."""
        page.open()

        assert page.is_shown("#signed-out")
        assert {} == cookies_of(browser, page.url)
        assert [0, 0] == page.run("return [localStorage.length, sessionStorage.length]")


class TestLogin:
    def test_a_wrong_password_is_refused(self, page):
        """The message of the server is shown, and the form stays; the right password is accepted."""
        page.open()
        page.type_in(password="wrong")

        assert "the username or password is incorrect" == page.wait_for_message()
        assert page.is_shown("#signed-out")
        page.type_in()
        page.wait(lambda: page.is_shown("#signed-in"))


@pytest.fixture
def module(page, site):
    """Return the page with ``session`` and ``ends`` of the module as globals, at the end of the access lifespan."""
    page.run(
        """
        const { logIn } = await import("/client.js");
        window.ends = [];
        window.network = window.fetch;
        window.session = await logIn("ada", arguments[0], () => ends.push("ended"));
        """,
        PASSWORD,
    )
    site.clock.tick(ACCESS)
    site.calls.clear()
    return page


class TestModule:
    """The module by itself, on the real server; a script delays or replaces single answers."""

    def test_a_late_answer_finds_the_next_token(self, module, site):
        """A 401 that arrives after the refresh causes no second refresh: its call is repeated with the next token."""
        statuses = module.run("""
            let first = true;
            let release;
            const refreshed = new Promise((resolve) => (release = resolve));
            window.fetch = async (path, options) => {
                const late = first;
                first = false;
                const answer = await network(path, options);
                if (late) await refreshed;
                return answer;
            };
            const late = session.call("/api/me");
            const early = await session.call("/api/me");
            release();
            return [early.status, (await late).status, ends.length];
        """)

        assert [200, 200, 0] == statuses
        assert [200] == site.count("PUT", "/api/token")

    def test_an_outage_during_the_refresh_ends_no_session(self, module):
        """Calls that waited for a failed refresh return their own 401; the next call refreshes."""
        statuses = module.run("""
            window.fetch = (path, options) =>
                options.method === "PUT" ? new Response("{}", { status: 503 }) : network(path, options);
            const failed = await Promise.all([session.call("/api/me"), session.call("/api/me")]);
            window.fetch = network;
            return [...failed, await session.call("/api/me")].map((answer) => answer.status).concat(ends.length);
        """)

        assert [401, 401, 200, 0] == statuses

    def test_a_lost_connection_ends_no_session(self, module):
        """Calls that waited for a refresh that was not answered fail as fetch does; the next call refreshes."""
        outcomes = module.run("""
            window.fetch = (path, options) =>
                options.method === "PUT" ? Promise.reject(new TypeError("lost")) : network(path, options);
            const failed = await Promise.allSettled([session.call("/api/me"), session.call("/api/me")]);
            window.fetch = network;
            return [...failed.map(({ reason }) => reason.message), (await session.call("/api/me")).status, ends.length];
        """)

        assert ["lost", "lost", 200, 0] == outcomes

    def test_a_revoked_session_ends_once(self, module, site):
        """Parallel calls with a revoked token report one end, and none of them is repeated."""
        statuses = module.run("""
            await session.call("/api/me");
            let bearer;
            window.fetch = (path, options) => {
                bearer = options.headers.get("Authorization");
                return network(path, options);
            };
            await session.call("/api/me");
            await network("/api/token", { method: "DELETE", headers: { Authorization: bearer } });
            const calls = await Promise.all([session.call("/api/me"), session.call("/api/me")]);
            return [...calls.map((answer) => answer.status), ends.length];
        """)

        assert [401, 401, 1] == statuses
        assert [200] == site.count("PUT", "/api/token")

    def test_a_logout_during_a_refresh_stays_a_logout(self, module):
        """A refresh that is answered after the logout brings no token back."""
        statuses = module.run("""
            let release;
            const done = new Promise((resolve) => (release = resolve));
            window.fetch = async (path, options) => {
                const answer = await network(path, options);
                if (options.method === "PUT") await done;
                return answer;
            };
            const call = session.call("/api/me");
            await session.logOut();
            release();
            return [(await call).status, (await session.call("/api/me")).status, ends.length];
        """)

        assert [401, 401, 1] == statuses

    def test_other_scripts_find_no_token(self, module):
        """The session has two functions, and nothing that holds the token."""

        assert ["{}", ["call", "logOut"]] == module.run("return [JSON.stringify(session), Reflect.ownKeys(session)]")

    def test_keeps_what_the_call_sends(self, module):
        """Method, body and headers reach the server with the token, also when the call is repeated."""
        answer = module.run("""
            const headers = { "Content-Type": "application/json" };
            const options = { method: "POST", headers, body: JSON.stringify({ text: "by header" }) };
            return (await session.call("/api/notes", options)).json();
        """)

        assert "by header" in answer["notes"]
