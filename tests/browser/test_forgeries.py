"""Pages of other origins make the browser of a logged-in user send requests, and nothing changes.

``attacker.localhost`` is another site than ``app.site.localhost``; ``sister.site.localhost`` is another origin of the same
site, so its requests carry cookies with ``SameSite=Lax`` (RFC 6265bis §5.2). The browser resolves all three to the
loopback.

See: OWASP Cross-Site Request Forgery Prevention Cheat Sheet; RFC 6265 §8.6 for cookies that a sister host sets.
"""

from __future__ import annotations

import html
import json

import httpx
import pytest
from examples.spa_app.people import PASSWORD
from flask import jsonify, request
from tests.browser.example_page import ExamplePage, cookies_of, forget_everything
from tests.browser.servers import ON_BOTH, serve_example, serve_wsgi
from werkzeug.wrappers import Response

from praetorian_flask import authenticate, current_guard, set_token_cookies

APP = "app.site.localhost"
ATTACKER = "attacker.localhost"
SISTER = "sister.site.localhost"
RELATION = {ATTACKER: "cross-site", SISTER: "same-site"}
TOKEN = "__Host-access_token"
CSRF = "__Host-csrf_access_token"


class Attacker:
    """The server of the attacker, which sends the page of the current test."""

    def __init__(self):
        self.port = None
        self.page = ""

    def __call__(self, environ, start_response):
        response = Response(self.page, content_type="text/html")
        return response(environ, start_response)

    def url(self, host):
        """Return an address of the attacker."""
        return f"http://{host}:{self.port}/"


class Victim:
    """A user of the example who is logged in, and who then visits a page of the attacker."""

    def __init__(self, browser, site, attacker):
        self.site = site
        self.page = ExamplePage(browser, site.url(host=APP))
        self._attacker = attacker

    def log_in(self):
        """Log in with the page."""
        self.page.log_in()
        self.site.calls.clear()

    def visit(self, host, page=""):
        """Load a page of the attacker."""
        self._attacker.page = page
        self.page.browser.get(self._attacker.url(host))

    def post_by_form(self, host, path, body):
        """Visit a page that sends a form by itself, which needs no permission of the target; return the request."""
        self.visit(host, f'<form method="post" enctype="text/plain" action="{self.site.url(path, APP)}">{field(body)}</form>'
                   "<script>document.forms[0].submit()</script>")  # fmt: skip
        return self.page.wait(lambda: self.request(path))

    def post_by_fetch(self, host, path, body):
        """Visit a page that sends a body with cookies, as far as that needs no permission; return the request."""
        self.visit(host)
        self.page.run(
            """
            const options = { method: "POST", mode: "no-cors", credentials: "include", body: arguments[1] };
            // The answer is withheld from the page, but the request has reached the server.
            await fetch(arguments[0], options).catch(() => null);
            """,
            self.site.url(path, APP),
            json.dumps(body),
        )
        return self.page.wait(lambda: self.request(path))

    def request(self, path):
        """Return the only request for a path that changes something, or None."""
        found = [call for call in self.site.calls if call.path == path and call.method == "POST"]
        assert len(found) <= 1
        return found[0] if found else None

    def cookies(self):
        """Return the cookies for the application."""
        return cookies_of(self.page.browser, self.page.url)

    def notes(self):
        """Return the notes on the server, read by another client."""
        url = f"http://127.0.0.1:{self.site.port}/api"
        token = httpx.post(f"{url}/token", json={"username": "eve", "password": PASSWORD}).json()["access_token"]
        return httpx.get(f"{url}/notes", headers={"Authorization": f"Bearer {token}"}).json()["notes"]


def field(body):
    """Return a form field that the browser encodes as this JSON object, with one more member."""
    # enctype="text/plain" sends name=value.
    name = json.dumps({**body, "padding": ""}).removesuffix('"}')
    return f"""<input name="{html.escape(name)}" value='"}}'>"""


def add_form_login(app):
    """Add a login that accepts a form, as many applications have, and the page with this form."""

    @app.post("/form-login")
    def form_login():
        user = authenticate(request.form["username"], request.form["password"])
        return set_token_cookies(jsonify(name=user.name), current_guard().issue(user))


FORM_LOGIN = f"""
    const form = document.createElement("form");
    form.method = "post";
    form.action = arguments[0];
    for (const [name, value] of [["username", "eve"], ["password", "{PASSWORD}"]]) {{
        form.append(Object.assign(document.createElement("input"), {{ name, value }}));
    }}
    document.body.append(form);
    form.submit();
"""


@pytest.fixture(scope="module")
def attacker():
    """Return the attacker's running server."""
    attacker = Attacker()
    with serve_wsgi(attacker) as attacker.port:
        yield attacker


@pytest.fixture(scope="module")
def site(request):
    """Return the example as it is, on Flask unless a test asks for both."""
    framework = getattr(request, "param", "flask")
    with serve_example(framework, extend=add_form_login if framework == "flask" else None) as site:
        yield site


@pytest.fixture(scope="module")
def open_site():
    """Return the example with cookies that the browser sends with requests of every site."""
    with serve_example("flask", {"PRAETORIAN_COOKIE_SAMESITE": "None"}) as site:
        yield site


@pytest.fixture(scope="module")
def plain_site():
    """Return the example with cookies that need no HTTPS, whose names therefore have no prefix."""
    with serve_example("flask", {"PRAETORIAN_COOKIE_SECURE": False}) as site:
        yield site


@pytest.fixture
def visitor(browser, site, attacker):
    """Return a user who is not logged in."""
    forget_everything(browser)
    visitor = Victim(browser, site, attacker)
    site.calls.clear()
    return visitor


@pytest.fixture
def victim(visitor):
    """Return a user who is logged in."""
    visitor.log_in()
    return visitor


@pytest.fixture
def open_victim(browser, open_site, attacker):
    """Return a user who is logged in where cookies are sent with requests of every site."""
    forget_everything(browser)
    victim = Victim(browser, open_site, attacker)
    victim.log_in()
    return victim


@ON_BOTH
class TestOwnPage:
    def test_writes_a_note(self, victim):
        """The request that the other pages forge, from the page of the application: the matching positive test."""
        victim.page.find("[name=text]").send_keys("of the own page")
        victim.page.click("#write button")
        sent = victim.page.wait(lambda: victim.request("/api/notes"))

        assert (200, "same-origin", {TOKEN, CSRF}) == (sent.status, sent.relation, sent.cookies)
        assert "of the own page" in victim.notes()


@ON_BOTH
class TestForgedRequest:
    @pytest.mark.parametrize("way", ["form", "fetch"])
    def test_of_another_site_carries_no_cookie(self, victim, way):
        """SameSite=Lax: the browser sends the request without the cookies, and no note is written."""
        before = victim.notes()
        sent = getattr(victim, f"post_by_{way}")(ATTACKER, "/api/notes", {"text": "forged"})

        assert (401, "cross-site", frozenset()) == (sent.status, sent.relation, sent.cookies)
        assert before == victim.notes()

    @pytest.mark.parametrize("way", ["form", "fetch"])
    def test_of_a_sister_host_is_refused(self, victim, way):
        """The cookies are sent, and the CSRF check refuses the request; no note is written."""
        before = victim.notes()
        sent = getattr(victim, f"post_by_{way}")(SISTER, "/api/notes", {"text": "forged"})

        assert (403, "same-site", {TOKEN, CSRF}) == (sent.status, sent.relation, sent.cookies)
        assert before == victim.notes()

    def test_shows_why_it_was_refused(self, victim):
        """The user sees the answer to the forged form: the code and no more than that."""
        victim.post_by_form(SISTER, "/api/notes", {"text": "forged"})

        assert '"code":"csrf_failed"' in victim.page.text("body").replace(" ", "")


class TestForgedRequestWithCookies:
    """SameSite=None and third-party cookies allowed: the browser sends the cookies with requests of every site."""

    @pytest.mark.parametrize("way", ["form", "fetch"])
    def test_is_refused(self, open_victim, way):
        """The CSRF check alone refuses the request of another site."""
        before = open_victim.notes()
        sent = getattr(open_victim, f"post_by_{way}")(ATTACKER, "/api/notes", {"text": "forged"})

        assert (403, "cross-site", {TOKEN, CSRF}) == (sent.status, sent.relation, sent.cookies)
        assert before == open_victim.notes()

    def test_with_the_header_needs_a_permission_that_is_not_given(self, open_victim):
        """A page of another site that adds the CSRF header asks for permission first, and the request is not sent."""
        open_victim.visit(ATTACKER)
        outcome = open_victim.page.run(
            """
            const headers = { "Content-Type": "application/json", "X-CSRF-Token": "guessed" };
            const options = { method: "POST", credentials: "include", headers, body: '{"text": "forged"}' };
            return fetch(arguments[0], options).then(() => "answered", (error) => error.name);
            """,
            open_victim.site.url("/api/notes", APP),
        )

        assert ("TypeError", None) == (outcome, open_victim.request("/api/notes"))

    def test_reads_nothing(self, open_victim):
        """A page of another site causes a call that is answered, and can read neither the answer nor the CSRF value."""
        open_victim.visit(ATTACKER)
        outcome = open_victim.page.run(
            """
            const read = fetch(arguments[0], { credentials: "include" });
            return [await read.then(() => "answered", (error) => error.name), document.cookie];
            """,
            open_victim.site.url("/api/me", APP),
        )

        (read,) = [call for call in open_victim.site.calls if call.relation == "cross-site"]

        assert ["TypeError", ""] == outcome
        assert ("GET", "/api/me", 200, {TOKEN, CSRF}) == (read.method, read.path, read.status, read.cookies)


class TestForgedLogin:
    @pytest.mark.parametrize("host", [ATTACKER, SISTER])
    @pytest.mark.parametrize("way", ["form", "fetch"])
    def test_with_json_sets_no_cookie(self, visitor, way, host):
        """A page that logs the user in to the attacker's account: a body of another type is refused."""
        sent = getattr(visitor, f"post_by_{way}")(host, "/api/login", {"username": "eve", "password": PASSWORD})

        assert (415, RELATION[host]) == (sent.status, sent.relation)
        assert {} == visitor.cookies()

    @pytest.mark.parametrize("host", [ATTACKER, SISTER])
    def test_by_form_sets_no_cookie(self, visitor, host):
        """A login that accepts forms refuses the form of another origin."""
        visitor.visit(host)
        visitor.page.run(FORM_LOGIN, visitor.site.url("/form-login", APP))
        sent = visitor.page.wait(lambda: visitor.request("/form-login"))

        assert (403, RELATION[host]) == (sent.status, sent.relation)
        assert {} == visitor.cookies()

    def test_by_form_of_the_own_page_sets_the_cookies(self, visitor):
        """The same form on a page of the application: the matching positive test."""
        visitor.page.run(FORM_LOGIN, visitor.site.url("/form-login", APP))
        sent = visitor.page.wait(lambda: visitor.request("/form-login"))

        assert (200, "same-origin") == (sent.status, sent.relation)
        assert {TOKEN, CSRF} == set(visitor.cookies())


POST_NOTE = """
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": arguments[1] };
    const answer = await fetch("/api/notes", { method: "POST", headers, body: JSON.stringify({ text: arguments[0] }) });
    return [answer.status, (await answer.json()).code ?? null];
"""


class TestTossedCookie:
    def test_of_a_sister_host_is_ignored_by_the_browser(self, victim):
        """The prefix __Host-: no other host sets such a cookie, also not one without a name."""
        before = victim.cookies()
        victim.visit(SISTER)
        victim.page.run(f"""
            for (const name of ["{TOKEN}", "{CSRF}"]) {{
                for (const nameless of ["", "="]) {{
                    document.cookie = `${{nameless}}${{name}}=forged; Domain=site.localhost; Path=/; Secure`;
                    document.cookie = `${{nameless}}${{name}}=forged; Domain=site.localhost; Path=/api; Secure`;
                }}
            }}
            document.cookie = "known=1; Domain=site.localhost";
        """)
        after = victim.cookies()

        assert "1" == after.pop("known")["value"]
        assert {name: cookie["value"] for name, cookie in before.items()} == {
            name: cookie["value"] for name, cookie in after.items()
        }

    def test_with_another_csrf_value_is_worth_nothing(self, victim):
        """A value in header and cookie that is not the claim of the signed token is refused; the claim is accepted."""
        csrf = victim.cookies()[CSRF]["value"]
        victim.page.run(f"document.cookie = '{CSRF}=forged; Path=/; Secure'")
        assert "forged" == victim.cookies()[CSRF]["value"]

        assert [403, "csrf_failed"] == victim.page.run(POST_NOTE, "tossed", "forged")
        assert [200, None] == victim.page.run(POST_NOTE, "signed", csrf)
        assert ("tossed" in victim.notes(), "signed" in victim.notes()) == (False, True)

    def test_without_the_prefix_is_refused(self, browser, plain_site, attacker):
        """A sister host adds its own session to the user's: the request with two tokens is refused."""
        forget_everything(browser)
        victim = Victim(browser, plain_site, attacker)
        victim.log_in()
        csrf = victim.cookies()["csrf_access_token"]["value"]
        assert [200, None] == victim.page.run(POST_NOTE, "alone", csrf)

        victim.visit(SISTER)
        victim.page.run("document.cookie = 'csrf_access_token=forged; Domain=site.localhost; Path=/api'")
        victim.page.open()
        assert [403, "csrf_failed"] == victim.page.run(POST_NOTE, "tossed value", "forged")
        assert [200, None] == victim.page.run(POST_NOTE, "signed value", csrf)

        login = httpx.post(plain_site.url("/api/token", "127.0.0.1"), json={"username": "eve", "password": PASSWORD})
        victim.visit(SISTER)
        victim.page.run(
            "document.cookie = `access_token=${arguments[0]}; Domain=site.localhost; Path=/api`",
            login.json()["access_token"],
        )
        victim.page.browser.get(victim.page.url)
        assert [400, "conflicting_tokens"] == victim.page.run(POST_NOTE, "tossed token", csrf)
        assert ["alone", "signed value"] == victim.notes()
