"""What counts as one emoji: a grammar instead of a list, so that joined sequences newer than this page count, too.

Sources: Unicode Technical Standard 51 (ED-9a to ED-16) with its data files emoji-data.txt and
emoji-variation-sequences.txt; version 17. What is not well-formed there (a joined sequence without the variation
selectors it needs, a skin tone on what has no skin, a flag of no region) counts character by character, as X does it:
a text is rather thought too long than refused. Characters above U+FFFF are taken by whole blocks, reserved places
included, because new emoji appear there.
"""

from __future__ import annotations

import re

# Shown as text unless the variation selector U+FE0F follows.
_TEXT_BY_DEFAULT = (
    r"\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9-\u21aa\u2328\u23cf\u23ed-\u23ef\u23f1-\u23f2"
    r"\u23f8-\u23fa\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fc\u2600-\u2604\u260e\u2611\u2618\u261d\u2620"
    r"\u2622-\u2623\u2626\u262a\u262e-\u262f\u2638-\u263a\u2640\u2642\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b"
    r"\u267e\u2692\u2694-\u2697\u2699\u269b-\u269c\u26a0\u26a7\u26b0-\u26b1\u26c8\u26cf\u26d1\u26d3\u26e9"
    r"\u26f0-\u26f1\u26f4\u26f7-\u26f9\u2702\u2708-\u2709\u270c-\u270d\u270f\u2712\u2714\u2716\u271d\u2721"
    r"\u2733-\u2734\u2744\u2747\u2763-\u2764\u27a1\u2934-\u2935\u2b05-\u2b07\u3030\u303d\u3297\u3299"
    r"\U0001f170-\U0001f171\U0001f17e-\U0001f17f\U0001f202\U0001f237\U0001f321\U0001f324-\U0001f32c\U0001f336"
    r"\U0001f37d\U0001f396-\U0001f397\U0001f399-\U0001f39b\U0001f39e-\U0001f39f\U0001f3cb-\U0001f3ce"
    r"\U0001f3d4-\U0001f3df\U0001f3f3\U0001f3f5\U0001f3f7\U0001f43f\U0001f441\U0001f4fd\U0001f549-\U0001f54a"
    r"\U0001f56f-\U0001f570\U0001f573-\U0001f579\U0001f587\U0001f58a-\U0001f58d\U0001f590\U0001f5a5\U0001f5a8"
    r"\U0001f5b1-\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de\U0001f5e1"
    r"\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa\U0001f6cb\U0001f6cd-\U0001f6cf\U0001f6e0-\U0001f6e5"
    r"\U0001f6e9\U0001f6f0\U0001f6f3"
)
# Shown as emoji anyway, but U+FE0F may follow.
_SELECTABLE = (
    r"\u231a-\u231b\u25fd-\u25fe\u2614-\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa-\u26ab\u26bd-\u26be"
    r"\u26c4-\u26c5\u26d4\u26ea\u26f2-\u26f3\u26f5\u26fa\u26fd\u2757\u2b1b-\u2b1c\u2b50\u2b55\U0001f004\U0001f21a"
    r"\U0001f22f"
)
# Shown as emoji; nothing may follow but a skin tone.
_OTHERS = (
    r"\u23e9-\u23ec\u23f0\u23f3\u26ce\u2705\u270a-\u270b\u2728\u274c\u274e\u2753-\u2755\u2795-\u2797\u27b0\u27bf"
    r"\U0001f0cf\U0001f18e\U0001f191-\U0001f19a\U0001f201\U0001f232-\U0001f236\U0001f238-\U0001f23a"
    r"\U0001f250-\U0001f251\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7ff\U0001f90c-\U0001f9ff"
    r"\U0001fa70-\U0001faff"
)
_WITH_SKIN = (
    r"\u261d\u26f7\u26f9\u270a-\u270d\U0001f385\U0001f3c2-\U0001f3c4\U0001f3c7\U0001f3ca-\U0001f3cc"
    r"\U0001f442-\U0001f443\U0001f446-\U0001f450\U0001f466-\U0001f469\U0001f46b-\U0001f46e\U0001f470-\U0001f478"
    r"\U0001f47c\U0001f481-\U0001f483\U0001f485-\U0001f487\U0001f48f\U0001f491\U0001f4aa\U0001f574-\U0001f575"
    r"\U0001f57a\U0001f590\U0001f595-\U0001f596\U0001f645-\U0001f647\U0001f64b-\U0001f64f\U0001f6a3"
    r"\U0001f6b4-\U0001f6b6\U0001f6c0\U0001f6cc\U0001f90c\U0001f90f\U0001f918-\U0001f91f\U0001f926"
    r"\U0001f930-\U0001f939\U0001f93d-\U0001f93e\U0001f977\U0001f9b5-\U0001f9b6\U0001f9b8-\U0001f9b9\U0001f9bb"
    r"\U0001f9cd-\U0001f9cf\U0001f9d1-\U0001f9dd\U0001fac3-\U0001fac5\U0001faf0-\U0001faf8"
)
_REGIONS = """
    AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET
    EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM
    IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF
    MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK
    PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC
    TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""


def _flag(region: str) -> str:
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in region)


def _tagged(subdivision: str) -> str:
    return "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in subdivision) + "\U000e007f"


_FLAGS = "|".join([*map(_flag, _REGIONS.split()), *map(_tagged, ("gbeng", "gbsct", "gbwls"))])
_KEYCAP = r"[0-9#*]\ufe0f?\u20e3"
_COMPLETE = rf"[{_WITH_SKIN}][\U0001f3fb-\U0001f3ff]|[{_TEXT_BY_DEFAULT}{_SELECTABLE}]\ufe0f"
_JOINABLE = rf"(?:{_COMPLETE}|[{_SELECTABLE}{_OTHERS}](?<![{_TEXT_BY_DEFAULT}]))"
_ALONE = rf"[{_TEXT_BY_DEFAULT}{_SELECTABLE}{_OTHERS}](?!\ufe0e)"

EMOJI = re.compile(rf"{_FLAGS}|{_KEYCAP}|{_JOINABLE}(?:\u200d{_JOINABLE})++|{_COMPLETE}|{_ALONE}")
