"""What screen readers and keyboards need and Datasette's pages leave out: names of form controls, and focus."""

import re

from datasette import hookimpl
from markupsafe import Markup

NAMELESS = {
    '<select name="_filter_column': "Column to filter by",
    '<select name="_filter_op': "How to compare",
    '<input type="text" name="_filter_value': "Value to compare with",
    '<select name="_sort"': "Column to sort by",
    '<textarea id="sql-editor"': "SQL",
}
# A filter of a dashboard: what it is called stands in the legend of its group only.
DASHBOARD_FILTER = re.compile(r"<legend>([^<]*)</legend>(\s*<(?:select|input))\b")


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["labelled"] = labelled


def labelled(html):
    """HTML of a page, with labels; text of users is escaped in it, so none is taken for a control."""
    html = str(html)
    for control, label in NAMELESS.items():
        html = html.replace(control, re.sub(r"^<\w+", rf'\g<0> aria-label="{label}"', control))
    # It scrolls.
    html = html.replace('<dl class="column-descriptions">', '<dl class="column-descriptions" tabindex="0">')
    return Markup(DASHBOARD_FILTER.sub(r'<legend>\1</legend>\2 aria-label="\1"', html))
