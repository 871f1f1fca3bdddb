"""What a dashboard draws stands in its page as data, which ``static/charts.js`` reads.

datasette-dashboards writes a script into the page instead, another one for each choice of filters; no browser may run
scripts that stand in pages (security_headers).
"""

from datasette import hookimpl
from jinja2 import pass_context
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

SCRIPT = '<script type="text/javascript">'


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["charts_as_data"] = charts_as_data


@pass_context
def charts_as_data(context, html):
    if "dashboard" not in context:
        return html
    before, _, script = html.rpartition(SCRIPT)
    after = script.partition("</script>")[2]
    data = htmlsafe_json_dumps(drawn(context))
    address = context["urls"].path("/static/charts.js")
    return Markup('{}<script id="charts" type="application/json">{}</script><script type="module" src="{}"></script>{}').format(
        before, data, address, after
    )  # fmt: skip


def drawn(context):
    """The charts of a dashboard, or one that fills its page; what the page asks for; where the site is."""
    dashboard, chart = context["dashboard"], context.get("chart")
    return {
        "charts": [[context["slug"], chart]] if chart else list(dashboard["charts"].items()),
        "query": context["query_string"],
        "site": context["absolute_url"],
        "fills": bool(chart),
        "minutes": context.get("settings", {}).get("autorefresh"),
    }
