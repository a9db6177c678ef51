"""The part of Flask-RESTX that this package uses, with types, which Flask-RESTX does not have."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeGuard, cast

import flask_restx  # pyright: ignore[reportMissingTypeStubs]
import flask_restx.swagger  # pyright: ignore[reportMissingTypeStubs]
from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from praetorian_core.errors import ConfigurationError


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


class View(Protocol):
    """A view function."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Return what RESTX makes a response of."""
        ...


class Resource(Protocol):
    """A class derived from ``flask_restx.Resource``."""

    decorators: Sequence[object]
    method_decorators: Sequence[object]
    methods: Collection[str] | None


class Route(Protocol):
    """A resource and its URLs."""

    resource: Resource


Handler: TypeAlias = Callable[[BaseException], object]
"""Returns a body, a status and headers."""


class AddResource(Protocol):
    """``Namespace.add_resource``."""

    def __call__(self, resource: Resource, *urls: str, **options: object) -> None:
        """Route a resource."""
        ...


class InitApp(Protocol):
    """``Api.init_app``."""

    def __call__(self, app: Flask | Blueprint, **options: object) -> None:
        """Set the API up for an application or a blueprint."""
        ...


class Namespace(Protocol):
    """A namespace."""

    add_resource: AddResource
    decorators: Sequence[object]
    error_handlers: OrderedDict[type[BaseException], Handler]
    resources: Sequence[Route]


class Api(Protocol):
    """An API. Its first namespace is its own, for resources that are routed without one."""

    app: Flask | Blueprint | None
    authorizations: Mapping[str, object] | None
    blueprint_setup: BlueprintSetupState | None
    decorators: Sequence[object]
    error_handlers: OrderedDict[type[BaseException], Handler]
    init_app: InitApp
    model: Callable[[str, Mapping[str, object]], object]
    models: Mapping[str, object]
    namespaces: Sequence[Namespace]
    serve_challenge_on_401: bool


class Swagger(Protocol):
    """The generator of ``swagger.json``."""

    api: Api

    def serialize_schema(self, model: object, /) -> Mapping[str, object]:
        """Return a reference to a model, and define the model."""
        ...


Operation: TypeAlias = dict[str, object]
"""The documentation of one method of one path."""


class SerializeResource(Protocol):
    """``Swagger.serialize_resource``."""

    def __call__(
        self, swagger: Swagger, namespace: Namespace, resource: Resource, *args: object, **options: object
    ) -> dict[str, Operation] | None:
        """Return the operations of a path by method, or None if the resource is hidden."""
        ...


class SwaggerClass(Protocol):
    """The class of the generator."""

    serialize_resource: SerializeResource


class AsView(Protocol):
    """``Resource.as_view``, as a function of the class."""

    def __call__(self, kind: Resource, *args: object, **options: object) -> View:
        """Return the view function."""
        ...


class AsViewMethod(Protocol):
    """``Resource.as_view``, as a class method."""

    @property
    def __func__(self) -> AsView:
        """The function."""
        ...


class ResourceClass(Protocol):
    """``flask_restx.Resource`` itself."""

    as_view: AsViewMethod


class Output(Protocol):
    """``Api.output``, as a function of the class."""

    def __call__(self, api: Api, view: View, /) -> View:
        """Return a view function that makes a response of what the resource returns."""
        ...


class ApiClass(Protocol):
    """``flask_restx.Api`` itself."""

    output: Output


class _Field(Protocol):
    def __call__(self, *, required: bool, description: str) -> object: ...


class Fields(Protocol):
    """The types of fields of a model."""

    String: _Field
    Integer: _Field


class _Restx(Protocol):
    Api: type[object]
    Namespace: type[object]
    Resource: type[object]
    fields: Fields


restx: _Restx = cast("_Restx", flask_restx)
api_class: ApiClass = cast("ApiClass", restx.Api)
resource_class: ResourceClass = cast("ResourceClass", restx.Resource)
swagger_class: SwaggerClass = cast("SwaggerClass", flask_restx.swagger.Swagger)


def api_of(api: RestxApi) -> Api:
    """Return the same API.

    Raises:
        ConfigurationError: It is something else, for example a Flask application.
    """
    if not isinstance(api, restx.Api):
        raise ConfigurationError(f"expected a flask_restx.Api; got {type(api).__name__}; write init_api(api)")
    return cast("Api", api)


def namespace_of(namespace: RestxNamespace) -> Namespace:
    """Return the same namespace.

    Raises:
        ConfigurationError: It is something else, for example a whole ``Api``.
    """
    if not isinstance(namespace, restx.Namespace):
        raise ConfigurationError(
            f"expected a flask_restx.Namespace; got {type(namespace).__name__}; write protect_namespace(ns) for each "
            "namespace, protect_namespace(api.default_namespace) for what is routed with @api.route"
        )
    return cast("Namespace", namespace)


def is_resource(view: object) -> TypeGuard[Resource]:
    """Return whether a view is a class derived from ``flask_restx.Resource``."""
    return isinstance(view, type) and issubclass(view, restx.Resource)
