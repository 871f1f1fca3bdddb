"""Remembers which plugins have no settings: datasette-render-markdown asks for each cell, a third of drawing them."""

from datasette import hookimpl


@hookimpl
def startup(datasette):
    look_up = datasette.plugin_config
    without = set()

    def plugin_config(plugin_name, database=None, table=None, fallback=True):
        asked = (plugin_name, database, table, fallback)
        if asked in without:
            return None
        config = look_up(*asked)
        if config is None:
            without.add(asked)
        return config

    datasette.plugin_config = plugin_config
