"""What a filter is given: a number and a unit in ``duration__gt=2h``, where Datasette would also compute ``9**9**9``,
and numbers of any size, where it takes those for integers that SQLite has no room for."""

import re

from datasette import hookimpl
from datasette.filters import Filters, TemplatedFilter
from datasette.utils.asgi import BadRequest
from datasette.vendored import pint

_QUANTITY = re.compile(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)\s*([A-Za-z]{0,20})\s*")


DIGITS = 18
"""So many fit into SQLite's integers."""

datasettes_clause = TemplatedFilter.where_clause


@hookimpl
def startup():
    Filters.convert_unit = convert_unit
    TemplatedFilter.where_clause = where_clause


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


def where_clause(self, table, column, value, number):
    """A longer number is compared as one with a fraction; so are digits such as ² that are no number."""
    if self.numeric and str(value).isdigit() and (len(value) > DIGITS or not value.isascii()):
        value += ".0"
    return datasettes_clause(self, table, column, value, number)
