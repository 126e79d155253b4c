"""Lists as PHP serializes them: read where they are plain, left alone where they are anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.portals.php import php_array


def serialized(values: list[str | int]) -> str:
    """As PHP's serialize() writes a list."""
    items = "".join(
        f"i:{index};" + (f"i:{one};" if isinstance(one, int) else f's:{len(one.encode())}:"{one}";')
        for index, one in enumerate(values)
    )
    return f"a:{len(values)}:{{{items}}}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(10**15), 10**15), max_size=20))
def test_what_php_wrote_is_read_back(values: list[str | int]) -> None:
    assert php_array(serialized(values)) == values


@pytest.mark.parametrize("plain", ["", "Altmark", "a: b", "array", '["a"]', "s:3:abc"])
def test_a_plain_text_is_no_list(plain: str) -> None:
    assert php_array(plain) is None


@pytest.mark.parametrize(
    "broken",
    [
        'a:1:{i:0;O:8:"stdClass":0:{}}',
        'O:8:"stdClass":1:{s:1:"a";i:1;}',
        'a:1:{i:0;s:5:"abc";}',
        "a:2:{i:0;i:1;}",
        "a:1:{i:0;i:1;}rest",
        "a:999999999:{}",
        'a:1:{i:0;a:1:{i:0;s:1:"a";}}',
        "a:1:{i:0;R:1;}",
        'a:1:{s:4:"ä";i:1;}',
    ],
)
def test_whatever_is_broken_nested_or_no_value_brings_nothing(broken: str) -> None:
    assert php_array(broken) == []


@given(st.text(max_size=60).map(lambda text: "a:" + text) | st.text(alphabet='aOsid:;{}"0123', max_size=60))
def test_no_text_is_a_surprise(text: str) -> None:
    listed = php_array(text)
    assert listed is None or isinstance(listed, list)
