"""Top-level domains that make a name a link on X, read from the two lists beside this page.

Source: twitter-text (Apache-2.0), tld_lib.yml; the conformance suite holds lists and source equal.
"""

from __future__ import annotations

from importlib.resources import files


def _names(file: str) -> frozenset[str]:
    return frozenset((files("posts.text") / file).read_text(encoding="utf-8").split())


COUNTRY = _names("tlds_country.txt")
GENERIC = _names("tlds_generic.txt")
