"""Calendars (.ics): the plan and schedules go out, schedules come in."""

from .reading import Arrived, read_calendar
from .writing import Leaving, plan_calendar, schedules_calendar

__all__ = ["Arrived", "Leaving", "plan_calendar", "read_calendar", "schedules_calendar"]
