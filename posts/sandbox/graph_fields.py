"""The `fields` parameter of the Graph API: `id,comments.limit(0).summary(total_count),attachments{media_type}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEEPEST = 8


@dataclass(frozen=True)
class Field:
    """One wanted field: its arguments by name, and what is wanted of it."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()


class FieldsUnreadable(Exception):
    """The parameter does not follow the syntax."""


def parse(text: str) -> tuple[Field, ...]:
    """The wanted fields, in their order. Raises FieldsUnreadable."""
    reader = _Reader("".join(text.split()))
    found = reader.fields(0)
    if not reader.done:
        raise FieldsUnreadable(f"Syntax error at character {reader.place} of fields")
    return found


class _Reader:
    """Reads from left to right; `place` is the next character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.place = 0

    @property
    def done(self) -> bool:
        return self.place == len(self._text)

    def fields(self, depth: int) -> tuple[Field, ...]:
        if depth > _DEEPEST:
            raise FieldsUnreadable("fields are nested too deeply")
        found = [self._field(depth)]
        while self._take(","):
            found.append(self._field(depth))
        return tuple(found)

    def _field(self, depth: int) -> Field:
        name = self._name()
        arguments: dict[str, str] = {}
        while self._take("."):
            argument = self._name()
            self._need("(")
            arguments[argument] = self._until(")")
        inner: tuple[Field, ...] = ()
        if self._take("{"):
            inner = self.fields(depth + 1)
            self._need("}")
        return Field(name, arguments, inner)

    def _name(self) -> str:
        match = _NAME.match(self._text, self.place)
        if match is None:
            raise FieldsUnreadable(f"Syntax error at character {self.place} of fields")
        self.place = match.end()
        return match.group()

    def _until(self, sign: str) -> str:
        end = self._text.find(sign, self.place)
        if end < 0:
            raise FieldsUnreadable(f"Expected {sign} after character {self.place} of fields")
        found = self._text[self.place : end]
        self.place = end + 1
        return found

    def _take(self, sign: str) -> bool:
        if self._text.startswith(sign, self.place):
            self.place += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise FieldsUnreadable(f"Expected {sign} at character {self.place} of fields")
