"""An adapter with every mistake at once, which the contract has to notice."""

from __future__ import annotations

from flask import request
from tests.contract.targets.on_flask import OnFlask

from praetorian_core.errors import PraetorianError
from praetorian_core.testing.adapter_suite import WSGIClient


class Broken(OnFlask):
    """Says 403 to whatever is refused, challenges nobody, lets caches keep it, and lets OPTIONS through."""

    def build(self, world):
        """Return the application."""
        app = self.app(world)
        app.register_error_handler(PraetorianError, lambda error: ({"error": "forbidden"}, 403))
        app.before_request(lambda: "" if request.method == "OPTIONS" else None)
        return WSGIClient(app)
