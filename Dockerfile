# The site and the command in one image; docs/deploy.md tells how to run it:
#   docker build -t rebuilderd-datasette .

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest/
# Every dependency has a wheel, so nothing is compiled. Datasette asks for pip and setuptools to install plugins with.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --only-binary :all: . \
    && pip --python /venv/bin/python uninstall --yes pip setuptools

FROM python:3.13-slim
RUN pip uninstall --yes pip \
    && useradd --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin publisher \
    && install --directory --owner publisher --group publisher /data
COPY --from=build /venv /venv
COPY contrib/docker/entrypoint /usr/local/bin/
WORKDIR /site
COPY metadata.yml settings.json ./
COPY canned_queries canned_queries/
COPY dashboards dashboards/
COPY plugins plugins/
COPY static static/
COPY templates templates/
# Whatever changes lies in /data; with an inspect-data.json there the database is served as immutable.
RUN ln -s /data/reproducibility.db /data/inspect-data.json /site/
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
# A number, so that an orchestrator can tell that it is not root.
USER 10001:10001
EXPOSE 8001
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8001/reproducibility/rebuilders.json')"]
ENTRYPOINT ["entrypoint"]
CMD ["serve"]
