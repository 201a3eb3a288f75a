"""schedule list, show."""

from typing import Annotated

import typer

from broadcaster.model.schedule import Days, Rule

from . import output
from .here import Here, named
from .language import _
from .plan import Json

app = typer.Typer(help=_("When scripts are broadcast, and where."), no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar=_("NAME"), help=_("The schedule's name."))]


@app.command("list", help=_("Every schedule."))
def show_all(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    schedules = here.content().schedules
    if json:
        output.as_json(
            [
                {
                    "schedule": one.id,
                    "title": one.title,
                    "scripts": list(one.scripts),
                    "areas": list(one.areas),
                    "class": one.bulletin_class.word,
                    "enabled": one.enabled,
                }
                for one in schedules
            ]
        )
        return
    output.table(
        (_("Schedule"), _("Title"), _("Script"), _("Area"), _("State")),
        [
            (
                one.id,
                one.title,
                ", ".join(one.scripts),
                ", ".join(one.areas),
                _("on") if one.enabled else _("off"),
            )
            for one in schedules
        ],
    )


@app.command("show", help=_("One schedule: its rules, campaigns, silent days and moves."))
def show(context: typer.Context, name: Name) -> None:
    here: Here = context.obj
    one = named({schedule.id: schedule for schedule in here.content().schedules}, name)
    output.line(f"{one.title} ({one.id})")
    output.line(_("Scripts: {scripts}").format(scripts=", ".join(one.scripts)))
    output.line(_("Areas: {areas}").format(areas=", ".join(one.areas)))
    rows = [(_("rule"), _days(rule), _times(rule)) for rule in one.rules]
    rows += [(_("campaign"), _days(rule), _times(rule)) for rule in one.campaigns]
    rows += [
        (_("silent"), _span(each.within) if isinstance(each.within, Days) else "", each.reason)
        for each in one.exclusions
    ]
    rows += [
        (_("move"), f"{each.occurrence:%d/%m/%Y %H:%M}", f"→ {each.to:%d/%m/%Y %H:%M}") for each in one.moves
    ]
    output.table(("", _("Days"), _("Times")), rows)


def _days(rule: Rule) -> str:
    told = []
    if rule.months is not None:
        told.append(_("months {months}").format(months=", ".join(map(str, sorted(rule.months)))))
    if rule.weekdays is not None:
        names = output.weekdays()
        told.append(", ".join(names[one] for one in sorted(rule.weekdays)))
    if rule.days is not None:
        told.append(_("days {days}").format(days=", ".join(map(str, sorted(rule.days)))))
    if rule.within != Days():
        told.append(_span(rule.within))
    return "; ".join(told) or _("every day")


def _span(days: Days) -> str:
    first = f"{days.first:%d/%m/%Y}" if days.first else ""
    last = f"{days.last:%d/%m/%Y}" if days.last else ""
    return f"{first} – {last}"


def _times(rule: Rule) -> str:
    told = ", ".join(f"{at:%H:%M}" for at in rule.times)
    if rule.at_least is not None:
        told += "; " + _("at least {count} a week").format(count=rule.at_least.airings)
    return told
