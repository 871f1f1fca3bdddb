"""Words for templates: what the site is called, and names in addresses, which may hold ``+ ~ : /``."""

from datasette import hookimpl
from datasette.utils import tilde_decode, tilde_encode


@hookimpl
def prepare_jinja2_environment(env, datasette):
    keys = ("title", "description", "license", "license_url", "source", "source_url")
    # Pages of tables and queries call their own metadata `metadata`.
    env.globals["site"] = {key: datasette.metadata(key) for key in keys}
    env.filters["tilde"] = tilde_encode
    env.filters["untilde"] = tilde_decode
