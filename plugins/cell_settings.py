"""Settings of datasette-render-markdown, which asks for them for each cell, a third of drawing them: looked up once.

Unless they say otherwise no cell is Markdown. The plugin takes columns that end in ``_markdown`` for it; SQL of readers
may call a column so, and drawing 5 kB of brackets took 5 s, in which nobody else was answered.
"""

from datasette import hookimpl

MARKDOWN = "datasette-render-markdown"


@hookimpl
def startup(datasette):
    look_up = datasette.plugin_config
    known = {}

    def plugin_config(plugin_name, database=None, table=None, fallback=True):
        asked = (plugin_name, database, table, fallback)
        if plugin_name != MARKDOWN:
            return look_up(*asked)
        if asked not in known:
            known[asked] = {"patterns": []} | (look_up(*asked) or {})
        return known[asked]

    datasette.plugin_config = plugin_config
