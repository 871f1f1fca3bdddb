"""What a sink is, what it is told, and what it is given."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from ingest.errors import ConfigError
from ingest.sources.location import is_file, published_location, published_text


@dataclass(frozen=True, slots=True)
class Point:
    """A measurement with names. ``at`` is ISO 8601 UTC; statistic, time and dimensions tell it apart.

    ``id`` is the measurement's number, which is never used again: a value that changed has a new one.
    """

    id: int
    statistic: str
    title: str
    unit: str
    at: str
    value: int | float
    dimensions: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Removed:
    """What was a point and is none any more, of ``dimensions`` all that its statistic has: None for none."""

    id: int
    statistic: str
    at: str
    dimensions: Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """A table ``[sinks.NAME]`` of ``rebuilders.toml``. Each method raises ConfigError."""

    file: Path
    name: str
    values: Mapping[str, Any]
    asked: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)

    def optional(self, key: str) -> str | None:
        """The text of a key, None where it is not there."""
        self.asked.add(key)
        value = self.values.get(key)
        if value is not None and not (isinstance(value, str) and value):
            raise self.wrong(f"{key} must be a text.")
        return value

    def text(self, key: str) -> str:
        value = self.optional(key)
        if value is None:
            raise self.wrong(f"{key} is missing; add it.")
        return value

    def secret(self, key: str) -> str | None:
        """A text, from the environment variable that ``KEY_env`` names, or as it stands in the file."""
        variable = self.optional(f"{key}_env")
        value = self.optional(key)
        if variable is not None:
            if variable not in os.environ:
                raise self.wrong(
                    f"{key}_env names the environment variable {variable}, which is not set; set it."
                )
            value = os.environ[variable]
        if value:
            self.secrets.add(value)
        return value

    def path(self, key: str) -> Path:
        """A file, relative to the folder of the configuration."""
        return self.file.parent / self.text(key)

    def refuse_unknown(self) -> None:
        """To be called when everything was asked for."""
        if unknown := sorted(set(self.values) - self.asked):
            raise self.wrong(
                f"{unknown[0]} is no key of this kind; only {', '.join(sorted(self.asked))} are."
            )

    def publishable(self, text: str) -> str:
        """A text, such as an error, without the secrets that were asked for, nor credentials in URLs."""
        for value in self.values.values():
            if isinstance(value, str) and not is_file(value):
                text = text.replace(value, published_location(value))
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return published_text(text)

    def wrong(self, what: str) -> ConfigError:
        return ConfigError(f"{self.file}: [sinks.{self.name}] {what}")


class Sink(ABC):
    """A place that measurements are sent to.

    kind: what ``rebuilders.toml`` calls it by.
    gets: ``new``: each measurement once it is new or has changed, in batches, and again if the process
        was killed before it could remember that; ``newest``: at each run, in one call, the values of the
        newest period of each statistic that is no log of events.
    """

    kind: ClassVar[str]
    gets: ClassVar[Literal["new", "newest"]] = "new"

    @abstractmethod
    def __init__(self, settings: Settings) -> None:
        """Look at the settings, and at nothing else. Raises ConfigError."""

    @abstractmethod
    def send(self, points: Sequence[Point]) -> None:
        """Store all points, or raise: SinkError says what was wrong in a sentence that may be published."""

    def remove(self, points: Sequence[Removed]) -> None:
        """Remove what was sent before, or raise as ``send`` does; without this method it stays."""

    def close(self) -> None:
        """Give back what is held."""
