"""Where Datasette fails with a 500 over an address that makes no sense, the reader is told what is wrong with it.

Nothing is looked at before something has failed. What is not explained here stays a 500: its traceback is the operator's.
"""

import json
import re
import sqlite3
import traceback
from errno import ENAMETOOLONG
from http.cookies import CookieError, SimpleCookie

import datasette.handle_exception as default
from datasette import NotFound, hookimpl
from datasette.database import QueryInterrupted
from datasette.utils import tilde_decode
from datasette.utils.asgi import BadRequest
from datasette.views.base import DatasetteError
from markupsafe import Markup

METHODS = "GET, HEAD"
SWITCHES = ("on", "off", "true", "false", "1", "0")
MISSING = dict.fromkeys(("404", "Database not found"), "There is no such page.")


def is_through(value):
    through = json.loads(value)
    return all(isinstance(through[key], str) for key in ("table", "column")) and "value" in through


def is_list(value):
    return not value.startswith("[") or isinstance(json.loads(value), list)


def is_facet(value):
    return not value.startswith("{") or isinstance(json.loads(value)["simple"], str)


PARAMETERS = (
    ("_through", is_through, 'JSON such as {"table": "builds", "column": "id", "value": "1"}'),
    (".*__(?:not)?in", is_list, "values with commas between them, or a list in JSON"),
    ("_facet(?:_array|_date|_size)?", is_facet, "the name of a column"),
    ("_facet(?!_array$|_date$|_size$).+", lambda value: False, "_facet, _facet_array or _facet_date"),
    ("_timelimit|_ttl|_facet_size", int, "a whole number"),
    ("_json_infinity|_labels", SWITCHES.__contains__, "on or off"),
)
"""Names of parameters, what their values have to satisfy, what they have to be."""
BY_ERROR = (
    (
        r"fts5|unterminated string|no such column",
        "_search.*",
        "words to search for, without quotes and signs",
    ),
    (r"invalid literal for int|near \"\)\"|integer", "_next", "what the page before gave as next"),
)
"""What SQLite or Python says of a value that no rule knows, in which parameter it stood, what that has to be."""


@hookimpl
def asgi_wrapper():
    """A cookie that cannot be read is as none: nothing here needs one, and nothing below takes it."""

    def wrapped(app):
        async def answer(scope, receive, send):
            if "headers" in scope:
                headers = [
                    (name, value) for name, value in scope["headers"] if name != b"cookie" or is_cookie(value)
                ]
                scope = {**scope, "headers": headers}
            await app(scope, receive, send)

        return answer

    return wrapped


def is_cookie(header):
    try:
        SimpleCookie().load(header.decode())
    except (UnicodeDecodeError, CookieError):
        return False
    return True


@hookimpl(hookwrapper=True)
def handle_exception(datasette, request, exception):
    """Stands in for Datasette's own answer, the last, which would print a traceback of each."""

    async def answer():
        told = await explained(datasette, request, exception)
        response = await default.handle_exception(datasette, request, told)()
        if response.status == 405:
            response.headers["Allow"] = METHODS
        if response.status == 503:
            response.headers["Retry-After"] = "10"
        return response

    outcome = yield
    outcome.force_result([*outcome.get_result()[:-1], answer])


async def explained(datasette, request, exception):
    """The error with a sentence for the reader in place of an exception."""
    if isinstance(exception, NotFound):
        return NotFound(MISSING.get(exception.args[0], exception.args[0]))
    if isinstance(exception, DatasetteError):
        return better(datasette, request, exception)
    if hasattr(exception, "status"):
        return exception
    if isinstance(exception, QueryInterrupted):
        if is_of_data(datasette, request):
            return too_slow(datasette, request, exception)
        return DatasetteError("This takes too long just now; try again in a while.", status=503)
    if request.method not in ("GET", "HEAD"):
        return DatasetteError(f"This address is asked with {METHODS}.", status=405)
    if isinstance(exception, OSError) and exception.errno == ENAMETOOLONG:
        return NotFound("There is no file with so long a name.")
    if isinstance(exception, sqlite3.ProgrammingError) and "pks" in request.url_vars:
        return await missing_row(datasette, request)
    if (
        is_of_data(datasette, request)
        and request.url_vars["format"] == "csv"
        and "table" not in request.url_vars
    ):
        return BadRequest("CSV is made of one table, view or question, or of SQL: add ?sql= or a name.")
    if sentence := wrong_parameter(request, str(exception)):
        return BadRequest(sentence)
    traceback.print_exception(exception)
    return DatasetteError("Something is broken here; the log of this site says what.", status=500)


def is_of_data(datasette, request):
    """Whether the address is one of a database; Datasette looks there for any other, too."""
    return tilde_decode(request.url_vars.get("database", "")) in datasette.databases


def better(datasette, request, error):
    """What Datasette says, but without a script, and without SQL that no reader wrote."""
    if isinstance(error.__context__, QueryInterrupted):
        return too_slow(datasette, request, error.__context__)
    is_theirs = {"sql", "_where"} & set(request.args)
    if (
        error.title == "Invalid SQL"
        and not is_theirs
        and (sentence := wrong_parameter(request, error.message))
    ):
        return BadRequest(sentence)
    error.status = 400 if error.status == 500 else error.status
    return error


def too_slow(datasette, request, interrupted):
    """With the SQL on a page, where the reader may go on with it."""
    sentence = f"This takes longer than {datasette.sql_time_limit_ms / 1000:g} seconds and was stopped; ask for less at once."
    if request.path.endswith(".json"):
        return DatasetteError(sentence, title="SQL Interrupted", status=400)
    shown = Markup('<p>{}</p><textarea rows="10" style="width: 90%">{}</textarea>').format(
        sentence, interrupted.sql
    )
    return DatasetteError(shown, title="SQL Interrupted", status=400, message_is_html=True)


async def missing_row(datasette, request):
    database = datasette.get_database(route=tilde_decode(request.url_vars["database"]))
    table = tilde_decode(request.url_vars["table"])
    keys = await database.primary_keys(table) or ["rowid"]
    return NotFound(f"There is no such row; rows of {table} have the address {table}/{','.join(keys)}.")


def wrong_parameter(request, error):
    """A sentence about the first parameter that cannot be followed, None where all can."""
    given = [(name, value) for name in request.args for value in request.args.getlist(name)]
    for name, value in given:
        if "\0" in name + value:
            return f"{name[:40]!r} holds a null character, which nothing here has."
    for pattern, is_right, expected in PARAMETERS:
        for name, value in given:
            if re.fullmatch(pattern, name) and not satisfied(is_right, value):
                return cannot_be_followed(name, value, expected)
    for text, pattern, expected in BY_ERROR:
        for name, value in given:
            if re.fullmatch(pattern, name) and re.search(text, error):
                return cannot_be_followed(name, value, expected)
    return None


def cannot_be_followed(name, value, expected):
    return f"{name}={value[:40]} cannot be followed: it has to be {expected}."


def satisfied(is_right, value):
    try:
        return is_right(value) is not False
    except (ValueError, TypeError, KeyError):
        return False
