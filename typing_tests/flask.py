"""The Flask adapter's public calls; checkers must accept all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Flask

from praetorian_core import Guard, Principal, Settings, all_roles, any_role
from praetorian_core.errors import PraetorianError
from praetorian_core.protocols import UserLike
from praetorian_core.testing import MemoryUser, MemoryUsers
from praetorian_flask import (
    Praetorian,
    auth_accepted,
    auth_exempt,
    auth_required,
    authenticate,
    build_error_handler,
    confirm,
    credentials,
    current_custom_claims,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    current_user_or_none,
    keep_principal,
    policy_required,
    protect_blueprint,
    roles_accepted,
    roles_required,
    verify_in_request,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


def application(app: Flask, users: MemoryUsers) -> None:
    """The extension is generic over the user class."""
    praetorian = Praetorian(app, users)
    assert_type(praetorian.guard, Guard[MemoryUser])
    assert_type(Praetorian[MemoryUser]().init_app(app, users), Flask)
    app.register_error_handler(PraetorianError, build_error_handler(lambda error: print(error.code)))
    Praetorian(app, Guard(users, Settings.from_mapping(app.config)), on_error=[lambda error: print(error.code)])


@auth_required
def view(number: int) -> str:
    """A decorated view keeps its signature."""
    assert_type(current_user(), UserLike)
    assert_type(current_user(MemoryUser), MemoryUser)
    assert_type(current_user_or_none(MemoryUser), MemoryUser | None)
    assert_type(current_user_id(), object)
    assert_type(current_rolenames(), frozenset[str])
    assert_type(current_custom_claims(), dict[str, object])
    assert_type(current_principal(), Principal)
    assert_type(current_principal_or_none(), Principal | None)
    assert_type(current_guard(), Guard[UserLike])
    assert_type(current_guard(MemoryUser), Guard[MemoryUser])
    current_guard().issue("nonsense")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    current_guard(MemoryUser).issue("nonsense")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(current_token(), str)
    return str(number)


@roles_required("admin")
@roles_accepted("a", "b")
@policy_required(all_roles("staff") & any_role("a", "b"))
@auth_accepted
async def coroutine_view(name: str) -> str:
    """So does a coroutine."""
    return name


def login() -> object:
    """What was presented may be anything."""
    assert_type(confirm(credentials()[1]), str)
    assert_type(credentials(), tuple[object, object])
    assert_type(authenticate(*credentials(), kind=MemoryUser), MemoryUser)
    return current_guard().issue(authenticate(*credentials()))


assert_type(view(1), str)


@auth_exempt
def status(number: int) -> str:
    """An exempt view keeps its signature."""
    return str(number)


assert_type(status(1), str)


def blueprint(vault: Blueprint) -> None:
    """A blueprint takes any decorator; a token can be verified by hand."""
    protect_blueprint(vault)
    protect_blueprint(vault, roles_required("admin"))
    assert_type(verify_in_request(all_roles("admin")), Principal)
    keep_principal(current_guard().verify(current_token()))
    keep_principal(None)


async def awaited() -> None:
    """It is awaited as before."""
    assert_type(await coroutine_view("x"), str)
