"""State behind ``protocols.Store``."""
