"""A folder of pictures named by what is in them: each is kept once, and a name never changes its content."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path

from posts.images.errors import ImageError

_OURS = re.compile(r"[0-9a-f]{64}\.[a-z0-9]+|\.[0-9a-f]{64}\.[0-9a-f]+\.part")


def store(data: bytes, directory: Path, suffix: str) -> Path:
    """Keep the bytes as `<sha256><suffix>` in the folder; the file is there whole or not at all, power cut included.

    Storing again only marks the file as used. Raises ImageError when the folder does not take it.
    """
    digest = hashlib.sha256(data).hexdigest()
    file = directory / f"{digest}{suffix}"
    try:
        if file.is_file() and file.read_bytes() == data:
            file.touch()
        else:
            directory.mkdir(parents=True, exist_ok=True)
            _write(data, file, directory / f".{digest}.{secrets.token_hex(4)}.part")
    except OSError as error:
        raise ImageError("not_stored", error.strerror or "") from error
    return file


def trim(directory: Path, max_bytes: int, keep: Collection[str]) -> int:
    """Delete pictures, the longest unused first, until the folder's pictures hold at most `max_bytes`.

    File names in `keep` stay whatever they weigh, and files that `store` did not write are never touched. Returns the
    bytes freed.
    """
    files = [entry for entry in directory.iterdir() if _OURS.fullmatch(entry.name)] if directory.is_dir() else []
    facts = {file: file.stat() for file in files}
    surplus = sum(fact.st_size for fact in facts.values()) - max_bytes
    freed = 0
    for file in sorted(files, key=lambda file: (facts[file].st_mtime_ns, file.name)):
        if freed >= surplus:
            break
        if file.name not in keep:
            file.unlink(missing_ok=True)
            freed += facts[file].st_size
    return freed


def _write(data: bytes, file: Path, part: Path) -> None:
    try:
        with part.open("xb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
