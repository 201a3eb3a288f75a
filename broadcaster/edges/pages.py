"""Pages to read and to print: one file each that needs nothing from elsewhere."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def page(name: str, values: Mapping[str, Any]) -> str:
    """The page *name* of `broadcaster/templates/`; what it is given is text, never markup, unless `svg`."""
    return _environment().get_template(name if name.endswith(".svg") else f"{name}.html").render(values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("broadcaster"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
