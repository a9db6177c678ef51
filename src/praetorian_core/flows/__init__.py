"""Flows: the steps of each operation, written once for ``Guard`` and ``AsyncGuard``.

A flow is a generator that yields questions (``questions.py``) and returns a result. It calls neither the application
nor the store nor a clock. The order of its questions is all of its behaviour, and a test reads it step by step:

    flow = authenticate(context, "alice", "wrong", None, now)
    assert next(flow) == FindUser("alice")
    assert flow.send(alice) == ReadPassword(alice)

An answer counts only if it is exactly the expected one (``is True``, ``is None``), so an unexpected answer rejects.
Every exception that a flow raises rejects. A step that changes state comes last.
"""

from praetorian_core.flows.actions import issue_action, read_action, redeem_action, reset_password
from praetorian_core.flows.confirmation import confirm
from praetorian_core.flows.connections import issue_ticket, recheck, redeem_ticket
from praetorian_core.flows.context import FlowContext
from praetorian_core.flows.exchange import check_session
from praetorian_core.flows.listing import list_sessions, revoke_session
from praetorian_core.flows.login import authenticate
from praetorian_core.flows.sessions import (
    check_store,
    issue,
    load_user,
    read_session,
    refresh,
    revoke,
    revoke_user,
)

__all__ = [
    "FlowContext",
    "authenticate",
    "check_session",
    "check_store",
    "confirm",
    "issue",
    "issue_action",
    "issue_ticket",
    "list_sessions",
    "load_user",
    "read_action",
    "read_session",
    "recheck",
    "redeem_action",
    "redeem_ticket",
    "refresh",
    "reset_password",
    "revoke",
    "revoke_session",
    "revoke_user",
]
