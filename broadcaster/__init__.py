"""Localized recordings on village loudspeakers: planned, assembled, played on the second, logged, counted."""

__version__ = "0.1.0"
