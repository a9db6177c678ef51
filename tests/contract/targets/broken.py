"""Adapters with one fault each, which the adapter suite must find."""

from __future__ import annotations

import attrs
from tests.contract.targets.on_wsgi import Adapter

from praetorian_core import Guard
from praetorian_core.errors import PraetorianError
from praetorian_core.web.request import is_preflight
from praetorian_core.web.responses import error_response


class LeakingPrincipal(Adapter):
    """The principal of one request is still there in the next."""

    principal = None

    def request(self, environ):
        request = super().request(environ)
        request.principal = self.principal
        return request

    def admit(self, request, demand):
        self.principal = super().admit(request, demand) or self.principal
        return self.principal


class ForwardedSource(Adapter):
    """The client's address comes from ``X-Forwarded-For``, which the client writes."""

    def request(self, environ):
        request = super().request(environ)
        request.remote = environ.get("HTTP_X_FORWARDED_FOR", request.remote)
        return request


class OnlySafeMethods(Adapter):
    """Only GET, HEAD and OPTIONS are guarded."""

    def admit(self, request, demand):
        return super().admit(request, demand) if request.method in {"GET", "HEAD", "OPTIONS"} else None


class ViewFirst(Adapter):
    """The view runs before the guard decides; the response is that of the guard."""

    def guarded(self, view, request, demand):
        if request.method == "GET" or is_preflight(request):
            return super().guarded(view, request, demand)
        body = view(request)
        self.admit(request, demand)
        return body


class CachedVerdicts(Adapter):
    """The principal of a token is kept past its expiry and revocation."""

    def __init__(self, world):
        super().__init__(world)
        self.verdicts = {}

    def admit(self, request, demand):
        key = (request.header("Authorization"), demand)
        if key[0] is None or key not in self.verdicts:
            self.verdicts[key] = super().admit(request, demand)
        return self.verdicts[key]


class PreflightRunsView(Adapter):
    """A CORS preflight runs the view without a token."""

    def guarded(self, view, request, demand):
        return view(request) if is_preflight(request) else super().guarded(view, request, demand)


class FixedScheme(Adapter):
    """The challenge always names the scheme Bearer."""

    def refusal(self, error):
        status, _, body = super().refusal(error)
        usual = error_response(error, realm=self.guard.settings.realm).headers
        return status, (("Content-Type", "application/json"), *usual), body


class FixedHeader(Adapter):
    """The token is always read from ``Authorization: Bearer``."""

    def __init__(self, world):
        super().__init__(world)
        settings = attrs.evolve(world.settings, header_name="Authorization", header_type="Bearer")
        self.guard = Guard(world.users, settings, **world.options)


class HTMLRefusals(Adapter):
    """The body of a refusal is sent as text/html."""

    def refusal(self, error):
        status, headers, body = super().refusal(error)
        return status, (("Content-Type", "text/html; charset=utf-8"), *headers[1:]), body


class Careless(Adapter):
    """Every refusal is a 403 without a challenge that caches may keep, and OPTIONS is not guarded."""

    def refusal(self, error):
        return 403, (), {"error": "forbidden"}

    def admit(self, request, demand):
        return None if request.method == "OPTIONS" else super().admit(request, demand)


class ForgottenRenewal(Adapter):
    """The cookies of a renewed token are not sent."""

    def with_cookies(self, request, headers):
        request.renewal = None
        return super().with_cookies(request, headers)


class RenewalOfSuccess(Adapter):
    """The cookies of a renewed token are not sent with a refusal."""

    def guarded(self, view, request, demand):
        try:
            return super().guarded(view, request, demand)
        except PraetorianError:
            request.renewal = None
            raise


class ForgottenRedemption(Adapter):
    """Each check of a request redeems its ticket."""

    def admit(self, request, demand):
        request.redemption = None
        return super().admit(request, demand)


FAULTS = {
    LeakingPrincipal: {"an anonymous request after an authenticated one"},
    ForwardedSource: {
        "login: a throttled address in X-Forwarded-For",
        "login: too many attempts, another address in X-Forwarded-For",
    },
    OnlySafeMethods: {f"{method} without a token has no effect" for method in ("POST", "PUT", "PATCH", "DELETE")},
    ViewFirst: {f"{method} without a token has no effect" for method in ("POST", "PUT", "PATCH", "DELETE")},
    CachedVerdicts: {
        "one token before and after both deadlines",
        "one token before and after its logout",
        "one token before and at the age",
    },
    PreflightRunsView: {"a preflight does not run the view"},
    FixedScheme: {"another header: no token", "another header: an expired token"},
    FixedHeader: {"another header: a token", "another header: a token in Authorization"},
    HTMLRefusals: {"no header", "one role of two", "login: wrong password"},
    ForgottenRenewal: {"cookie: refreshed within a request", "cookie: refreshed within an optional request"},
    RenewalOfSuccess: {"cookie: refreshed within a refused request"},
    ForgottenRedemption: {"ticket: a request with two checks"},
    Careless: {"no header", "OPTIONS of the application: no token"},
}
"""Each broken adapter, with scenarios that must fail on it."""
