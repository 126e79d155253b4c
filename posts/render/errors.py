"""What can be wrong with a template, as one German sentence for the person who wrote it, or with its text."""

from __future__ import annotations


class TemplateError(Exception):
    """A template that can't be read or filled. `line` counts from 1; 0 where no single line is to blame."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(f"Zeile {line}: {sentence}" if line else sentence)
        self.sentence = sentence
        self.line = line


class DoesNotFit(Exception):
    """Even with every optional part dropped and the elastic text shortened, the text is too long."""

    def __init__(self, needed: int, room: int) -> None:
        super().__init__(f"{needed} characters are needed, {room} fit")
        self.needed = needed
        self.room = room
