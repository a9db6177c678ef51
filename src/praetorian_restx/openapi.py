"""Adds to ``swagger.json`` what a guarded operation requires: the security scheme, the responses, the policy.

Facts about Flask-RESTX, whose documentation is Swagger 2.0:

* ``Swagger.serialize_resource`` returns the operations of one route of one namespace, when every decorator has been
  applied. What an application wrote about an operation is in them, and stays.
* A response refers to a model that the ``Api`` must know: see ``add_error_model``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast
from weakref import WeakSet

from flask import current_app

from praetorian_core import Settings
from praetorian_flask.decorators import VIEWS, Demand, demands_of, demands_of_class, unique
from praetorian_restx.decorators import demands_of_method
from praetorian_restx.restx_types import (
    Api,
    Namespace,
    Operation,
    Resource,
    SerializeResource,
    Swagger,
    restx,
    swagger_class,
)

V = TypeVar("V")

SCHEME = "Bearer"
"""The name by which operations refer to the security scheme."""

ERROR_MODEL = "PraetorianError"
"""The name of the model of an error's body."""

_LOGIN = "__praetorian_login__"
_DOCUMENTED: WeakSet[Api] = WeakSet()


def authorizations(settings: Settings | None = None) -> dict[str, dict[str, str]]:
    """Return the security scheme, for ``Api(authorizations=authorizations())``.

    Swagger 2.0 has no bearer scheme: users of the page type the whole header, as its description says.

    Args:
        settings: Settings with another header or scheme than the usual ones.
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


def document_login(view: V) -> V:
    """Document the responses of a login, 401 and 429, for a method or for every method of a resource."""
    setattr(view, _LOGIN, True)
    return view


def add_error_model(api: Api) -> None:
    """Define the model of an error's body, unless the application has one of that name."""
    if ERROR_MODEL in api.models:
        return
    text, number = restx.fields.String, restx.fields.Integer
    api.model(
        ERROR_MODEL,
        {
            "error": text(required=True, description="The name of the error's class"),
            "message": text(required=True, description="The reason, for people"),
            "status_code": number(required=True, description="The HTTP status"),
            "code": text(required=True, description="The reason, for programs"),
        },
    )


def document_error_handler(handler: object) -> None:
    """Document an error handler, to which ``:raises PraetorianError:`` in a docstring refers."""
    setattr(handler, "__apidoc__", {"responses": {"401": (None, ERROR_MODEL, {})}})  # noqa: B010  (it has no such type)


def document_api(api: Api) -> None:
    """Document the guarded operations of an API in its ``swagger.json``."""
    _DOCUMENTED.add(api)


def _document_every_resource(serialize: SerializeResource) -> SerializeResource:
    def serialize_resource(
        swagger: Swagger, namespace: Namespace, resource: Resource, *args: object, **options: object
    ) -> dict[str, Operation] | None:
        path = serialize(swagger, namespace, resource, *args, **options)
        if path is not None and swagger.api in _DOCUMENTED:
            for name in path.keys() & {name.lower() for name in resource.methods or ()}:
                method: object = getattr(resource, name)
                demands = _requirements(swagger.api, namespace, resource, name)
                _document(swagger, path[name], demands, has_description=_has_description(method))
                if getattr(resource, _LOGIN, False) or getattr(method, _LOGIN, False):
                    _add_responses(swagger, path[name], _LOGIN_RESPONSES)
        return path

    return serialize_resource


def _requirements(api: Api, namespace: Namespace, resource: Resource, name: str) -> list[Demand]:
    """Return what this operation requires when it is reached through this namespace."""
    around = (*resource.decorators, *namespace.decorators, *api.decorators)
    always = [demand for decorator in around for demand in demands_of(decorator)]
    if VIEWS.is_exempt(resource) or VIEWS.is_exempt(getattr(resource, name)):
        return []
    return unique([*_before(api), *demands_of_class(resource), *demands_of_method(resource, name), *always])


def _before(api: Api) -> list[Demand]:
    """Return the requirements of the ``before_request`` functions of the application and of the API's blueprint."""
    names = (None,) if api.blueprint_setup is None else (None, api.blueprint_setup.name)
    functions = [function for name in names for function in current_app.before_request_funcs.get(name, ())]
    return [demand for function in functions for demand in demands_of(function)]


def _has_description(method: object) -> bool:
    """Return whether the application described the method itself, other than by its docstring."""
    documented: object = getattr(method, "__apidoc__", None)
    return isinstance(documented, dict) and "description" in documented


def _document(swagger: Swagger, operation: Operation, demands: Sequence[Demand], *, has_description: bool) -> None:
    if not demands:
        return
    is_optional = all(demand.is_optional for demand in demands)
    security: list[dict[str, list[str]]] = [{SCHEME: []}, {}] if is_optional else [{SCHEME: []}]
    operation.setdefault("security", security)
    refused = "The token is invalid" if is_optional else "The token is missing or invalid"
    policies = [demand.policy for demand in demands if demand.policy is not None]
    challenge, kind = _CHALLENGE, "Roles required"
    if any(policy.max_ages for policy in policies):
        refused += ", or the user authenticated too long ago"
        challenge, kind = _STEP_UP_CHALLENGE, "Required"
    responses = {"401": (f"{refused}; `code` is the reason", challenge)}
    roles = "; ".join(str(policy) for policy in policies if policy.reads_roles)
    if roles:
        responses["403"] = (f"The token lacks a role; required: {roles}", _CHALLENGE)
    if policies and not has_description:
        required = f"{kind}: {'; '.join(map(str, policies))}"
        described = operation.get("description")
        operation["description"] = required + (f"\n{described}" if described else "")
    _add_responses(swagger, operation, responses)
    documented = cast("dict[str, object]", operation["responses"])
    if all(code.startswith(("4", "5")) for code in documented):
        documented["200"] = {"description": "Success"}


def _add_responses(swagger: Swagger, operation: Operation, added: dict[str, tuple[str, dict[str, object]]]) -> None:
    responses = cast("dict[str, object]", operation.setdefault("responses", {}))
    for code, (description, headers) in added.items():
        if code not in responses:
            schema = swagger.serialize_schema(swagger.api.models[ERROR_MODEL])
            responses[code] = {"description": description, "schema": schema, "headers": headers}


_CHALLENGE: dict[str, object] = {
    "WWW-Authenticate": {"description": "The challenge (RFC 6750 §3)", "type": "string"},
}
_STEP_UP_CHALLENGE: dict[str, object] = {
    "WWW-Authenticate": {
        "description": "The challenge (RFC 6750 §3); if the authentication is too old, with `max_age` (RFC 9470 §3)",
        "type": "string",
    },
}
_LOGIN_RESPONSES: dict[str, tuple[str, dict[str, object]]] = {
    "401": ("The username or password is incorrect", _CHALLENGE),
    "429": (
        "Too many login attempts",
        {"Retry-After": {"description": "Seconds to wait (RFC 9110 §10.2.3)", "type": "integer"}},
    ),
}

swagger_class.serialize_resource = _document_every_resource(swagger_class.serialize_resource)
