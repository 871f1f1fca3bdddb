"""A filter such as ``duration__gt=2h`` takes a number and a unit, and nothing else: Datasette would compute ``9**9**9``."""

import re

from datasette import hookimpl
from datasette.filters import Filters
from datasette.utils.asgi import BadRequest
from datasette.vendored import pint

_QUANTITY = re.compile(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)\s*([A-Za-z]{0,20})\s*")


@hookimpl
def startup():
    Filters.convert_unit = convert_unit


def convert_unit(self, column, value):
    """The number in the column's unit. What is no quantity is compared as it is, as in any other column."""
    quantity = _QUANTITY.fullmatch(value) if column in self.units else None
    if not quantity:
        return value
    number, unit = float(quantity[1]), quantity[2] or self.units[column]
    try:
        return self.ureg.Quantity(number, unit).to(self.units[column]).magnitude
    except pint.PintError as error:
        raise BadRequest(
            f"{column}: {value} is not in a unit that fits; give it in {self.units[column]}."
        ) from error
