"""Three services with one logout: accounts issues tokens, orders and reports verify them, all share one Valkey.

``accounts.py`` has the users and the private key; ``orders.py`` (Flask) and ``reports.py`` (Falcon on ASGI) have the
public key only; ``trust.py`` fetches it. ``README.md`` shows how to start them.
"""
