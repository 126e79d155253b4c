"""The roles of the pages, each including those before it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person may do on the pages."""

    READER = "reader"
    EDITOR = "editor"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    def includes(self, other: Role) -> bool:
        """Whether whoever has this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)
