"""Localized recordings on village loudspeakers: planned, assembled, played on the second, logged, counted."""

from importlib.metadata import version

__version__ = version("broadcaster")
