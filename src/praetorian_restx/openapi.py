"""What ``swagger.json`` says of a guarded operation: the security scheme, the refusals, the roles.

Facts about Flask-RESTX, whose documentation is Swagger 2.0:

* What is known of a method or a class stands in its attribute ``__apidoc__``: a dict, or False where it is hidden.
  ``functools.wraps`` hands the very same dict on, so it is copied before anything is added.
* ``@api.doc`` merges over what it finds, so a user's text above our decorators wins by itself. What a user wrote below
  them is put over ours here.
* ``Resource.method_decorators`` and ``Namespace.decorators`` are applied where nobody looks for documentation any more,
  so they are looked up here.
* A response names its model, which the ``Api`` must then know: see ``add_error_model``.

Flask-RESTX carries no types. What is asked of it is written down here, and nowhere else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeGuard, cast

import attrs
import flask_restx  # pyright: ignore[reportMissingTypeStubs]
import flask_restx.utils  # pyright: ignore[reportMissingTypeStubs]
from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from praetorian_core import Settings
from praetorian_core.errors import ConfigurationError

SCHEME = "Bearer"
"""The name by which operations refer to the security scheme."""

ERROR_MODEL = "PraetorianError"
"""The name of the model of an error's body."""

_DEMANDS = "__praetorian__"
_APIDOC = "__apidoc__"


# --- Flask-RESTX, as far as it is used ----------------------------------------------------------------------------------


class RestxApi(Protocol):
    """A ``flask_restx.Api``."""

    @property
    def title(self) -> str:
        """The title of its documentation."""
        ...


class RestxNamespace(Protocol):
    """A ``flask_restx.Namespace``."""

    @property
    def name(self) -> str:
        """Its name in the documentation."""
        ...


View: TypeAlias = Callable[[], object]
"""A view or a method, with whatever parameters."""


class Resource(Protocol):
    """A class derived from ``flask_restx.Resource``."""

    dispatch_request: View
    method_decorators: Sequence[object]
    methods: Collection[str] | None


class Route(Protocol):
    """A resource and its URLs."""

    resource: Resource


Handler: TypeAlias = Callable[[BaseException], object]
"""Returns a body, a status and headers."""


class AddResource(Protocol):
    """Routes a resource in a namespace."""

    def __call__(self, resource: Resource, *urls: str, **options: object) -> None:
        """Route it."""
        ...


class RegisterResource(Protocol):
    """Routes a namespace's resource in an API."""

    def __call__(self, namespace: Namespace, resource: Resource, *urls: str, **options: object) -> str:
        """Route it, and return its endpoint."""
        ...


class InitApp(Protocol):
    """Gives an API its application or its blueprint."""

    def __call__(self, app: Flask | Blueprint, **options: object) -> None:
        """Give it."""
        ...


class Namespace(Protocol):
    """What a namespace consists of."""

    add_resource: AddResource
    decorators: Sequence[object]
    error_handlers: OrderedDict[type[BaseException], Handler]
    resources: Sequence[Route]


class Api(Protocol):
    """What an API consists of. Its first namespace is its own, for what is routed without one."""

    app: Flask | Blueprint | None
    authorizations: Mapping[str, object] | None
    blueprint_setup: BlueprintSetupState | None
    error_handlers: OrderedDict[type[BaseException], Handler]
    init_app: InitApp
    model: Callable[[str, Mapping[str, object]], object]
    models: Mapping[str, object]
    namespaces: Sequence[Namespace]
    register_resource: RegisterResource
    serve_challenge_on_401: bool


class _Field(Protocol):
    def __call__(self, *, required: bool, description: str) -> object: ...


class _Fields(Protocol):
    String: _Field
    Integer: _Field


class _Restx(Protocol):
    Api: type[object]
    Namespace: type[object]
    Resource: type[object]
    fields: _Fields


class _Utils(Protocol):
    merge: Callable[[Mapping[str, object], Mapping[str, object]], dict[str, object]]


_restx = cast("_Restx", flask_restx)
_utils = cast("_Utils", flask_restx.utils)


def api_of(api: RestxApi) -> Api:
    """Return the same API.

    Raises:
        ConfigurationError: It is something else, a Flask application say.
    """
    if not isinstance(api, _restx.Api):
        detail = f"expected a flask_restx.Api, found {type(api).__name__}; write init_api(api)"
        raise ConfigurationError(detail)
    return cast("Api", api)


def namespace_of(namespace: RestxNamespace) -> Namespace:
    """Return the same namespace.

    Raises:
        ConfigurationError: It is something else, a whole ``Api`` say.
    """
    if not isinstance(namespace, _restx.Namespace):
        detail = (
            f"expected a flask_restx.Namespace, found {type(namespace).__name__}; write protect_namespace(ns) for each "
            "namespace, protect_namespace(api.default_namespace) for what is routed with @api.route"
        )
        raise ConfigurationError(detail)
    return cast("Namespace", namespace)


def is_resource(view: object) -> TypeGuard[Resource]:
    """Tell whether a view is a class derived from ``flask_restx.Resource``."""
    return isinstance(view, type) and issubclass(view, _restx.Resource)


# --- What is written ----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Demand:
    """What a decorator asks of a request.

    Attributes:
        roles: The policy in words, or None where any principal will do.
        is_optional: Whether a request without a token passes.
    """

    roles: str | None = None
    is_optional: bool = False


def authorizations(settings: Settings | None = None) -> dict[str, dict[str, str]]:
    """Return the security scheme, for ``Api(authorizations=authorizations())``.

    Swagger 2.0 has no bearer scheme: the whole header has to be typed, and the description says so.

    Args:
        settings: Where the header and its scheme are not the usual ones.
    """
    header_name, header_type = ("Authorization", "Bearer")
    if settings is not None:
        header_name, header_type = settings.header_name, settings.header_type
    return {
        SCHEME: {
            "type": "apiKey",
            "in": "header",
            "name": header_name,
            "description": f"Type the word `{header_type}`, a space and the token: `{header_type} <token>`",
        }
    }


def add_error_model(api: Api) -> None:
    """Make the model of an error's body known, unless the application has one of that name."""
    if ERROR_MODEL in api.models:
        return
    text, number = _restx.fields.String, _restx.fields.Integer
    api.model(
        ERROR_MODEL,
        {
            "error": text(required=True, description="The name of the error's class"),
            "message": text(required=True, description="The reason, for people"),
            "status_code": number(required=True, description="The status, once more"),
            "code": text(required=True, description="The reason, for programs"),
        },
    )


def demands_of(target: object) -> tuple[Demand, ...]:
    """Return what a decorator demands, or what is demanded by a view that was decorated."""
    return cast("tuple[Demand, ...]", getattr(target, _DEMANDS, ()))


def announce(decorator: object, demand: Demand) -> None:
    """Let a decorator say what it demands."""
    setattr(decorator, _DEMANDS, (demand,))


def document(target: object, *demands: Demand) -> None:
    """Write into the documentation of a view, a method or a resource what is demanded of requests for it.

    What a user wrote stays. What an earlier demand wrote is written anew, for all demands together.
    """
    earlier = demands_of(target)
    together = (*earlier, *(demand for demand in demands if demand not in earlier))
    setattr(target, _DEMANDS, together)
    known = _known(target)
    if known is not None:
        setattr(target, _APIDOC, _utils.merge(_operation(together), _without(known, _operation(earlier))))


def document_error_handler(handler: object) -> None:
    """Write what an error handler answers with; the key stands for every status."""
    setattr(handler, _APIDOC, {"responses": {"401": (None, ERROR_MODEL, {})}})


def document_resources(api: Api) -> None:
    """Complete the documentation of an API's resources, those to come as well. See ``document_resource``."""
    for namespace in api.namespaces:
        for route in namespace.resources:
            document_resource(namespace, route.resource)
    if "register_resource" in vars(api):
        return  # Called before; it is documented already.
    register = api.register_resource

    def register_documented(namespace: Namespace, resource: Resource, *urls: str, **options: object) -> str:
        document_resource(namespace, resource)
        return register(namespace, resource, *urls, **options)

    api.register_resource = register_documented


def document_resource(namespace: Namespace, resource: Resource) -> None:
    """Add what no decorator knows by itself: where it stands, and that an operation can also succeed."""
    for decorator in (*namespace.decorators, *getattr(resource, "method_decorators", ())):
        document(resource, *demands_of(decorator))
    for name in getattr(resource, "methods", None) or ():
        method = getattr(resource, name.lower())
        if demands_of(resource) or demands_of(method):
            _document_success(resource, method)


def _document_success(resource: Resource, method: object) -> None:
    # RESTX describes a success by itself only where no response is described at all, and we have described refusals.
    described = [_known(target) for target in (resource, method)]
    if None in described:
        return
    of_resource, of_method = cast("list[dict[str, object]]", described)
    responses = {
        **cast("dict[object, object]", of_resource.get("responses", {})),
        **cast("dict[object, object]", of_method.get("responses", {})),
    }
    refused_only = all(str(code).startswith(("4", "5")) for code in responses)
    if refused_only and "model" not in of_resource and "model" not in of_method:
        setattr(method, _APIDOC, _utils.merge({"responses": {"200": "Success"}}, of_method))


def _known(target: object) -> dict[str, object] | None:
    """Return what is documented; None where it is hidden."""
    known = cast("dict[str, object] | bool", getattr(target, _APIDOC, {}))
    return known if isinstance(known, dict) else None


def _operation(demands: Sequence[Demand]) -> dict[str, object]:
    if not demands:
        return {}
    # Either of the two will do: with the scheme, or with nothing.
    nothing: list[dict[str, object]] = [{}] if all(demand.is_optional for demand in demands) else []
    challenge = {"headers": {"WWW-Authenticate": {"description": "The challenge (RFC 6750 §3)", "type": "string"}}}
    refused = "The token is bad" if nothing else "The token is missing or bad"
    responses: dict[str, object] = {"401": (f"{refused}; `code` says why", ERROR_MODEL, challenge)}
    operation: dict[str, object] = {"security": [{SCHEME: []}, *nothing], "responses": responses}
    roles = "; ".join(demand.roles for demand in demands if demand.roles is not None)
    if roles:
        operation["description"] = f"Roles required: {roles}"
        responses["403"] = (f"The token lacks a role; required: {roles}", ERROR_MODEL, challenge)
    return operation


def _without(known: Mapping[str, object], ours: Mapping[str, object]) -> dict[str, object]:
    """Return what is known, less what we wrote."""
    rest: dict[str, object] = {}
    for key, value in known.items():
        if isinstance(value, dict) and isinstance(ours.get(key), dict):
            rest[key] = _without(cast("dict[str, object]", value), cast("dict[str, object]", ours[key]))
        elif key not in ours or value != ours[key]:
            rest[key] = value
    return rest
