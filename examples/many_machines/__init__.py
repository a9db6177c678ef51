"""Three services and one logout: accounts makes tokens, orders and reports open for them, one Valkey remembers.

``accounts.py`` holds the users and the private key, ``orders.py`` (Flask) and ``reports.py`` (Falcon on ASGI) know the
public key alone, ``trust.py`` says whom they believe. ``README.md`` starts them by hand.
"""
