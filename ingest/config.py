"""``rebuilders.toml``: the instances that one command reads.

rules = ["rebuilderd-stats.conf"]
plugins_dir = "statistics"

[aliases.debian]
sid = "unstable"

[rebuilders.debian-amd64]
source = "https://rebuilder.example/amd64"

[rebuilders.debian-old]
source = "/srv/old/rebuilderd.db"
release = "trixie"

[sinks.archive]
kind = "jsonlines"
path = "measurements.jsonl"
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import ConfigError
from ingest.sources.location import default_name, is_file, published_name

_TABLES = {"rebuilders", "rules", "plugins_dir", "aliases", "sinks"}
_KEYS = {"source", "release"}

Aliases = dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Instance:
    """A rebuilder to read: where, under which name, and its release where only the operator knows.

    A ``release`` of None leaves it as it was said before, an empty one takes it back.
    """

    source: str
    name: str | None = None
    release: str | None = None

    @property
    def rebuilder(self) -> str:
        """The name it goes by in the database; empty where the source gives none."""
        return published_name(self.name or default_name(self.source))


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """Where to send measurements: of which statistics (None for all), and what else its kind wants to know."""

    file: Path
    name: str
    kind: str
    statistics: tuple[str, ...] | None
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Config:
    """The instances in the order of the file, the operator's own rule files, other names of releases, and sinks.

    ``aliases`` are by distribution and name; None where the file does not speak of them.
    """

    instances: tuple[Instance, ...]
    rules: tuple[Path, ...] = ()
    plugins_dir: Path | None = None
    aliases: Aliases | None = None
    sinks: tuple[SinkConfig, ...] = ()


def read_config(path: Path) -> Config:
    """What the file says. Raises ConfigError.

    Names of files are relative to the folder that the configuration lies in.
    """
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:  # also of a number of thousands of digits
        raise ConfigError(f"{path}: not TOML: {error}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply for a configuration.") from error
    rebuilders = content.get("rebuilders")
    if not isinstance(rebuilders, dict) or not rebuilders:
        raise ConfigError(f"{path}: names no rebuilder; add a table like [rebuilders.debian-amd64].")
    if unknown := set(content) - _TABLES:
        raise ConfigError(
            f"{path}: unknown key or table {', '.join(sorted(unknown))};"
            " only rules, plugins_dir, [aliases.DISTRIBUTION], [rebuilders.NAME] and [sinks.NAME] are."
        )
    rules = content.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(name, str) for name in rules):
        raise ConfigError(f'{path}: rules must be a list of files, as rules = ["rebuilderd-stats.conf"].')
    folder = content.get("plugins_dir")
    if folder is not None and not (isinstance(folder, str) and (path.parent / folder).is_dir()):
        raise ConfigError(f"{path}: plugins_dir must name a folder that is there.")
    return Config(
        tuple(_instance(path, name, entry) for name, entry in rebuilders.items()),
        tuple(path.parent / name for name in rules),
        path.parent / folder if folder else None,
        _aliases(path, content["aliases"]) if "aliases" in content else None,
        _sinks(path, content.get("sinks", {})),
    )


def _aliases(path: Path, tables: Any) -> Aliases:
    if not isinstance(tables, dict) or not all(isinstance(names, dict) for names in tables.values()):
        raise ConfigError(
            f'{path}: aliases are told for a distribution, as [aliases.debian] sid = "unstable".'
        )
    aliases: Aliases = {}
    for distribution, names in tables.items():
        for alias, release in names.items():
            if not isinstance(release, str):
                raise ConfigError(f"{path}: [aliases.{distribution}] {alias} must be the name of a release.")
            if release in names:
                raise ConfigError(
                    f"{path}: [aliases.{distribution}] {alias} is {release}, which is an alias itself;"
                    " name the release that both stand for."
                )
            aliases[distribution, alias] = release
    return aliases


def _sinks(path: Path, tables: Any) -> tuple[SinkConfig, ...]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigError(f'{path}: sinks need a name each, as [sinks.archive] kind = "jsonlines".')
    return tuple(_sink(path, name, dict(table)) for name, table in tables.items())


def _sink(path: Path, name: str, table: dict[str, Any]) -> SinkConfig:
    kind = table.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(f'{path}: [sinks.{name}] needs kind = "influxdb" or another.')
    statistics = table.pop("statistics", None)
    if statistics is None:
        return SinkConfig(path, published_name(name), kind, None, table)
    if not isinstance(statistics, list) or not all(isinstance(each, str) for each in statistics):
        raise ConfigError(
            f'{path}: [sinks.{name}] statistics must be a list of names, as statistics = ["builds-per-day"].'
        )
    return SinkConfig(path, published_name(name), kind, tuple(statistics), table)


def _instance(path: Path, name: str, entry: Any) -> Instance:
    if not isinstance(entry, dict) or not isinstance(entry.get("source"), str):
        raise ConfigError(f'{path}: [rebuilders.{name}] needs source = "URL or file".')
    if unknown := set(entry) - _KEYS:
        raise ConfigError(f"{path}: [rebuilders.{name}] has an unknown key {', '.join(sorted(unknown))}.")
    release = entry.get("release")
    if release is not None and not isinstance(release, str):
        raise ConfigError(f"{path}: [rebuilders.{name}] release must be a text.")
    source = entry["source"]
    return Instance(str(path.parent / source) if is_file(source) else source, name, release)
