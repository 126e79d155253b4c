"""Draws a picture for each place of the demonstration: a flat landscape with a house, in the region's colours.

Every choice follows from the place's slug, so the same place always looks the same.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

# Drawn larger and scaled down: Pillow's shapes have no smooth edges of their own.
_SUPERSAMPLING = 2
# All coordinates below are on this canvas, 1250 wide; the height follows the picture's format.
_WIDTH = 1250.0


@dataclass(frozen=True)
class Palette:
    """The colours of one landscape, from the sky's top to the nearest field."""

    sky: Colour
    horizon: Colour
    sun: Colour
    hills: Colour
    fields: tuple[Colour, Colour, Colour]
    trees: tuple[Colour, Colour]
    roof: Colour
    walls: tuple[Colour, Colour]
    accent: Colour


_PALETTES = {
    "Altmark": Palette(
        sky=(126, 190, 214),
        horizon=(250, 234, 200),
        sun=(255, 214, 122),
        hills=(137, 176, 150),
        fields=((190, 196, 104), (226, 192, 92), (120, 161, 84)),
        trees=(((62, 112, 78)), (88, 138, 84)),
        roof=(178, 78, 58),
        walls=((247, 236, 214), (196, 98, 72)),
        accent=(44, 98, 132),
    ),
    "Anhalt-Dessau-Wittenberg": Palette(
        sky=(152, 196, 226),
        horizon=(255, 226, 206),
        sun=(255, 196, 132),
        hills=(128, 160, 172),
        fields=((168, 190, 116), (206, 208, 136), (104, 150, 98)),
        trees=((54, 102, 92), (92, 142, 104)),
        roof=(120, 84, 92),
        walls=((250, 240, 226), (206, 120, 92)),
        accent=(196, 72, 64),
    ),
    "Brandenburg": Palette(
        sky=(240, 176, 134),
        horizon=(255, 232, 190),
        sun=(255, 244, 206),
        hills=(156, 140, 140),
        fields=((178, 168, 98), (214, 176, 96), (126, 140, 82)),
        trees=((58, 92, 74), (104, 124, 74)),
        roof=(112, 66, 58),
        walls=((248, 226, 176), (188, 104, 74)),
        accent=(38, 92, 98),
    ),
    "Harz": Palette(
        sky=(148, 176, 208),
        horizon=(232, 230, 226),
        sun=(255, 226, 156),
        hills=(92, 120, 136),
        fields=((134, 168, 108), (176, 192, 112), (92, 134, 84)),
        trees=((36, 78, 70), (58, 104, 82)),
        roof=(78, 82, 98),
        walls=((238, 228, 212), (166, 112, 80)),
        accent=(202, 104, 56),
    ),
    "Magdeburg": Palette(
        sky=(112, 178, 200),
        horizon=(232, 240, 222),
        sun=(255, 222, 128),
        hills=(120, 168, 168),
        fields=((164, 196, 120), (212, 204, 116), (96, 152, 100)),
        trees=((46, 108, 92), (82, 146, 108)),
        roof=(168, 88, 66),
        walls=((252, 244, 224), (214, 164, 88)),
        accent=(62, 84, 142),
    ),
    "Saale-Unstrut": Palette(
        sky=(168, 202, 214),
        horizon=(252, 232, 214),
        sun=(255, 206, 140),
        hills=(150, 158, 128),
        fields=((184, 184, 106), (160, 172, 92), (132, 146, 76)),
        trees=((76, 98, 62), (112, 132, 72)),
        roof=(158, 74, 66),
        walls=((246, 232, 208), (210, 176, 132)),
        accent=(122, 52, 84),
    ),
}


def draw_landscape(slug: str, region: str, size: tuple[int, int]) -> Image.Image:
    """The place's picture, RGB, `size` in pixels. Regions without colours of their own get the Altmark's."""
    palette = _PALETTES.get(region, _PALETTES["Altmark"])
    width, height = size
    canvas = _Canvas(_SUPERSAMPLING * width / _WIDTH, _WIDTH * height / width)
    choose = random.Random(hashlib.sha256(slug.encode()).digest())  # noqa: S311 - decides on trees, not on secrets
    _sky(canvas, palette, choose)
    _hills(canvas, palette, choose)
    _fields(canvas, palette, choose)
    door = _building(canvas, palette, choose)
    _foreground(canvas, door, palette, choose)
    return canvas.image.resize(size, Image.Resampling.BOX)


class _Canvas:
    """A picture with coordinates from 0 to 1250 across and 0 to `height` downwards."""

    def __init__(self, scale: float, height: float) -> None:
        self.scale = scale
        self.height = height
        self.image = Image.new("RGB", (round(_WIDTH * scale), round(height * scale)))
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        self._draw.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour, squeeze: float = 1.0) -> None:
        s = self.scale
        high = radius * squeeze
        self._draw.ellipse([(x - radius) * s, (y - high) * s, (x + radius) * s, (y + high) * s], fill=colour)

    def line(self, points: list[Point], width: float, colour: Colour) -> None:
        scaled = [(x * self.scale, y * self.scale) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * self.scale)), joint="curve")


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with a share (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


_WHITE, _DARK = (255, 255, 255), (40, 44, 58)


def _sky(canvas: _Canvas, palette: Palette, choose: random.Random) -> None:
    horizon = canvas.height * 0.62
    bands = 48
    for band in range(bands):
        top = horizon * band / bands
        canvas.box(0, top, _WIDTH, top + horizon / bands + 2, _mix(palette.sky, palette.horizon, band / bands))
    x, y = choose.choice((220.0, 1000.0)) + choose.uniform(-80, 80), canvas.height * choose.uniform(0.18, 0.28)
    for radius, share in ((150, 0.25), (112, 0.5), (78, 1.0)):
        around = _mix(palette.sky, palette.horizon, y / horizon)
        canvas.disc(x, y, radius, _mix(around, palette.sun, share))
    for _ in range(choose.randint(2, 4)):
        _cloud(canvas, choose.uniform(80, 1170), canvas.height * choose.uniform(0.08, 0.3), choose, palette)
    if choose.random() < 0.7:
        _birds(canvas, choose, palette)


def _cloud(canvas: _Canvas, x: float, y: float, choose: random.Random, palette: Palette) -> None:
    colour = _mix(palette.horizon, _WHITE, 0.65)
    size = choose.uniform(0.6, 1.1)
    for step, radius in ((-78, 26), (-38, 40), (8, 52), (56, 36), (92, 22)):
        canvas.disc(x + step * size, y - radius * size * 0.5, radius * size, colour)
    canvas.box(x - 78 * size, y - 26 * size, x + 92 * size, y, colour)
    canvas.disc(x - 82 * size, y - 13 * size, 13 * size, colour)
    canvas.disc(x + 94 * size, y - 11 * size, 11 * size, colour)


def _birds(canvas: _Canvas, choose: random.Random, palette: Palette) -> None:
    x, y = choose.uniform(350, 850), canvas.height * choose.uniform(0.14, 0.3)
    for _ in range(choose.randint(3, 5)):
        dx, dy, span = choose.uniform(-110, 110), choose.uniform(-40, 40), choose.uniform(10, 16)
        wings = [(x + dx - span, y + dy - span * 0.5), (x + dx, y + dy), (x + dx + span, y + dy - span * 0.5)]
        canvas.line(wings, 3, _mix(palette.sky, _DARK, 0.6))


def _ridge(choose: random.Random, base: float, swing: float, bottom: float) -> list[Point]:
    """A soft outline across the whole width, filled down to `bottom`."""
    waves = [(swing / n, choose.uniform(0.6, 1.3) * n, choose.uniform(0, 6.3)) for n in (1, 2, 3)]
    points = []
    for x in range(0, int(_WIDTH) + 1, 10):
        rise = sum(size * math.sin(x / _WIDTH * 6.3 * often + shift) for size, often, shift in waves)
        points.append((float(x), base + rise))
    return [*points, (_WIDTH, bottom), (0.0, bottom)]


def _hills(canvas: _Canvas, palette: Palette, choose: random.Random) -> None:
    h = canvas.height
    canvas.polygon(_ridge(choose, h * 0.52, h * 0.035, h), _mix(palette.hills, palette.horizon, 0.5))
    canvas.polygon(_ridge(choose, h * 0.57, h * 0.022, h), palette.hills)
    x = 0.0
    while x < _WIDTH:
        radius = choose.uniform(12, 30)
        canvas.disc(x, h * 0.605, radius, _mix(palette.trees[0], palette.hills, 0.45))
        x += radius * choose.uniform(1.0, 1.9)


def _fields(canvas: _Canvas, palette: Palette, choose: random.Random) -> None:
    h = canvas.height
    far, middle, near = palette.fields
    canvas.polygon(_ridge(choose, h * 0.615, h * 0.008, h), far)
    slope = _ridge(choose, h * 0.68, h * 0.02, h)
    canvas.polygon(slope, middle)
    for furrow in range(7):
        offset = 12 + furrow * (14 + furrow * 3)
        canvas.line([(x, y + offset) for x, y in slope[:-2]], 3 + furrow * 0.5, _mix(middle, far, 0.6))
    canvas.polygon(_ridge(choose, h * 0.82, h * 0.015, h), near)


def _building(canvas: _Canvas, palette: Palette, choose: random.Random) -> float:
    """One of four kinds of house, with trees beside it and its ground below it; answers where its door is."""
    ground = canvas.height * 0.815
    centre = choose.uniform(520, 730)
    kind = choose.choice((_farmhouse, _barn, _hall, _manor))
    half = {_farmhouse: 230, _barn: 270, _hall: 310, _manor: 290}[kind]
    for side in (-1, 1):
        for number in range(choose.randint(1, 2)):
            x = centre + side * (half + 70 + 130 * number + choose.uniform(-20, 30))
            _tree(canvas, x, ground + choose.uniform(-12, 8), choose.uniform(0.85, 1.3), palette, choose)
    canvas.disc(centre, ground + 6, half * 1.12, _mix(palette.fields[2], _DARK, 0.16), squeeze=0.07)
    return kind(canvas, centre, ground, palette, choose)


def _farmhouse(canvas: _Canvas, x: float, ground: float, palette: Palette, choose: random.Random) -> float:
    """A half-timbered house with a red roof."""
    wall, beam = palette.walls[0], _mix(palette.roof, _DARK, 0.5)
    left, right, eaves = x - 215, x + 215, ground - 165
    canvas.box(left, eaves, right, ground, wall)
    canvas.box(x + 30, eaves, right, ground, _mix(wall, palette.roof, 0.08))
    for n in range(9):
        post = left + n * 430 / 8
        canvas.line([(post, eaves), (post, ground)], 9, beam)
    for y in (eaves + 4, ground - 84, ground - 4):
        canvas.line([(left, y), (right, y)], 9, beam)
    for post, lean in ((left + 3, 54), (right - 3, -54)):
        canvas.line([(post, ground - 4), (post + lean, ground - 84)], 8, beam)
    _gabled_roof(canvas, left - 30, right + 30, eaves, 150, palette.roof)
    _chimney(canvas, x + choose.choice((-110, 100)), eaves - 165, palette)
    for window in (-134, 26, 134):
        _window(canvas, x + window, ground - 46, 30, 50, palette)
    for window in (-134, -27, 80):
        _window(canvas, x + window, ground - 122, 30, 46, palette)
    _door(canvas, x - 54, ground, 44, 78, palette.accent)
    return x - 54


def _barn(canvas: _Canvas, x: float, ground: float, palette: Palette, choose: random.Random) -> float:
    """A broad brick barn, gable to the front, with a big gate."""
    brick = palette.walls[1]
    eaves, ridge = ground - 150, ground - 330
    canvas.polygon([(x - 240, ground), (x - 240, eaves), (x, ridge), (x + 240, eaves), (x + 240, ground)], brick)
    _courses(canvas, x - 240, x + 240, eaves, ground, brick)
    for end in (-1, 1):
        slope = [(x, ridge - 22), (x + end * 275, eaves + 22), (x + end * 250, eaves + 34), (x, ridge + 10)]
        canvas.polygon(slope, palette.roof)
    gate = choose.choice((palette.accent, _mix(palette.roof, _DARK, 0.35)))
    canvas.box(x - 82, ground - 142, x + 82, ground, _mix(_WHITE, palette.walls[0], 0.6))
    canvas.box(x - 72, ground - 132, x + 72, ground, gate)
    for side in (-1, 1):
        edge = _mix(gate, _WHITE, 0.7)
        canvas.line([(x + side * 6, ground - 6), (x + side * 66, ground - 126)], 7, edge)
        canvas.line([(x + side * 66, ground - 6), (x + side * 6, ground - 126)], 7, edge)
    canvas.disc(x, eaves - 72, 30, _mix(_WHITE, palette.walls[0], 0.6))
    canvas.disc(x, eaves - 72, 22, _mix(palette.accent, _DARK, 0.3))
    for window in (-160, 160):
        _window(canvas, x + window, ground - 72, 44, 56, palette)
    return x


def _hall(canvas: _Canvas, x: float, ground: float, palette: Palette, choose: random.Random) -> float:
    """A factory hall with a saw-tooth roof, tall windows and a chimney."""
    brick = palette.walls[1]
    stack = x + choose.choice((-215, 225))
    canvas.polygon(
        [(stack - 20, ground), (stack - 14, ground - 390), (stack + 14, ground - 390), (stack + 20, ground)],
        _mix(brick, palette.roof, 0.5),
    )
    canvas.box(stack - 18, ground - 398, stack + 18, ground - 384, _mix(brick, _DARK, 0.35))
    eaves = ground - 175
    for n in range(4):
        tooth = x - 280 + n * 140
        canvas.polygon([(tooth, eaves + 2), (tooth, eaves - 74), (tooth + 140, eaves + 2)], palette.roof)
        glass = [(tooth + 8, eaves - 6), (tooth + 8, eaves - 60), (tooth + 40, eaves - 42), (tooth + 40, eaves - 6)]
        canvas.polygon(glass, _mix(palette.sky, _WHITE, 0.5))
    canvas.box(x - 280, eaves, x + 280, ground, brick)
    _courses(canvas, x - 280, x + 280, eaves, ground, brick)
    canvas.box(x - 286, eaves - 4, x + 286, eaves + 12, _mix(brick, _DARK, 0.25))
    entrance = choose.choice((1, 3))
    for n in range(5):
        centre = x - 224 + n * 112
        if n == entrance:
            _door(canvas, centre, ground, 74, 110, palette.accent)
        else:
            _arched_window(canvas, centre, ground - 34, 56, 100, palette)
    return x - 224 + entrance * 112


def _manor(canvas: _Canvas, x: float, ground: float, palette: Palette, choose: random.Random) -> float:
    """A plastered manor with two storeys, a hipped roof and a gable over the door."""
    wall = _mix(palette.walls[0], palette.sun, choose.choice((0.0, 0.25, 0.45)))
    left, right, eaves = x - 260, x + 260, ground - 190
    canvas.box(left, eaves, right, ground, wall)
    canvas.polygon(
        [(left - 24, eaves + 4), (left + 80, eaves - 118), (right - 80, eaves - 118), (right + 24, eaves + 4)],
        palette.roof,
    )
    for chimney in (-130, 130):
        _chimney(canvas, x + chimney, eaves - 140, palette)
    canvas.box(left - 6, ground - 18, right + 6, ground, _mix(wall, _DARK, 0.22))
    canvas.polygon([(x - 92, eaves + 4), (x, eaves - 76), (x + 92, eaves + 4)], _mix(wall, _WHITE, 0.45))
    canvas.disc(x, eaves - 24, 18, palette.accent)
    canvas.box(x - 80, eaves + 2, x + 80, ground - 18, _mix(wall, _WHITE, 0.45))
    for window in (-214, -142, 142, 214):
        _window(canvas, x + window, ground - 62, 38, 62, palette)
        _window(canvas, x + window, ground - 150, 38, 54, palette)
    for window in (-44, 44):
        _window(canvas, x + window, ground - 150, 34, 54, palette)
    _door(canvas, x, ground - 14, 52, 88, palette.accent)
    canvas.box(x - 46, ground - 14, x + 46, ground - 4, _mix(wall, _DARK, 0.35))
    canvas.box(x - 60, ground - 6, x + 60, ground + 6, _mix(wall, _DARK, 0.3))
    return x


def _gabled_roof(canvas: _Canvas, left: float, right: float, eaves: float, rise: float, colour: Colour) -> None:
    canvas.polygon(
        [(left, eaves + 8), (left + 44, eaves - rise), (right - 44, eaves - rise), (right, eaves + 8)], colour
    )
    for n in range(1, 6):
        y = eaves - rise + n * rise / 6
        inset = 44 * (eaves - y) / rise
        canvas.line([(left + inset + 6, y), (right - inset - 6, y)], 4, _mix(colour, _DARK, 0.12))


def _courses(canvas: _Canvas, left: float, right: float, top: float, bottom: float, brick: Colour) -> None:
    """Thin lines that make a wall read as brick."""
    y = top + 14
    while y < bottom:
        canvas.line([(left, y), (right, y)], 2, _mix(brick, _WHITE, 0.13))
        y += 14


def _chimney(canvas: _Canvas, x: float, top: float, palette: Palette) -> None:
    canvas.box(x - 15, top, x + 15, top + 50, _mix(palette.walls[1], palette.roof, 0.4))
    canvas.box(x - 19, top - 6, x + 19, top + 6, _mix(palette.roof, _DARK, 0.4))


def _window(canvas: _Canvas, x: float, y: float, width: float, height: float, palette: Palette) -> None:
    frame, glass = _mix(_WHITE, palette.walls[0], 0.25), _mix(palette.sky, _DARK, 0.35)
    canvas.box(x - width / 2 - 5, y - height / 2 - 5, x + width / 2 + 5, y + height / 2 + 5, frame)
    canvas.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, glass)
    canvas.polygon(
        [
            (x - width / 2, y + height / 2),
            (x - width / 2, y),
            (x + width / 4, y - height / 2),
            (x + width / 2, y - height / 2),
        ],
        _mix(glass, palette.sun, 0.35),
    )
    canvas.line([(x, y - height / 2), (x, y + height / 2)], 4, frame)
    canvas.line([(x - width / 2, y), (x + width / 2, y)], 4, frame)


def _arched_window(canvas: _Canvas, x: float, bottom: float, width: float, height: float, palette: Palette) -> None:
    glass = _mix(palette.sky, _DARK, 0.3)
    for grow, colour in ((6, _mix(_WHITE, palette.walls[0], 0.3)), (0, glass)):
        half = width / 2 + grow
        canvas.disc(x, bottom - height + width / 2, half, colour)
        canvas.box(x - half, bottom - height + width / 2, x + half, bottom + grow, colour)
    frame = _mix(_WHITE, palette.walls[0], 0.3)
    for pane in (-width / 6, width / 6):
        canvas.line([(x + pane, bottom - height + 6), (x + pane, bottom)], 4, frame)
    for pane in (0.33, 0.62):
        canvas.line([(x - width / 2, bottom - height * pane), (x + width / 2, bottom - height * pane)], 4, frame)


def _door(canvas: _Canvas, x: float, bottom: float, width: float, height: float, colour: Colour) -> None:
    canvas.box(x - width / 2 - 6, bottom - height - 6, x + width / 2 + 6, bottom, _mix(colour, _WHITE, 0.75))
    canvas.box(x - width / 2, bottom - height, x + width / 2, bottom, colour)
    canvas.box(
        x - width / 2 + 7, bottom - height + 8, x + width / 2 - 7, bottom - height * 0.55, _mix(colour, _WHITE, 0.3)
    )
    canvas.disc(x + width / 2 - 9, bottom - height * 0.42, 4, _mix(colour, _WHITE, 0.8))


def _tree(canvas: _Canvas, x: float, ground: float, size: float, palette: Palette, choose: random.Random) -> None:
    dark, light = palette.trees
    trunk = _mix(dark, (96, 66, 50), 0.75)
    canvas.disc(x, ground + 3, 62 * size, _mix(palette.fields[2], _DARK, 0.16), squeeze=0.12)
    if choose.random() < 0.25:
        _conifer(canvas, x, ground, size, dark, trunk)
        return
    canvas.polygon(
        [
            (x - 10 * size, ground),
            (x - 5 * size, ground - 120 * size),
            (x + 5 * size, ground - 120 * size),
            (x + 10 * size, ground),
        ],
        trunk,
    )
    for dx, dy, radius in ((-38, 128, 46), (40, 132, 44), (0, 178, 54), (0, 128, 52)):
        canvas.disc(x + dx * size, ground - dy * size, radius * size, dark)
    for dx, dy, radius in ((-30, 142, 30), (22, 158, 28), (-8, 194, 32)):
        canvas.disc(x + dx * size - 6, ground - dy * size - 6, radius * size, light)


def _conifer(canvas: _Canvas, x: float, ground: float, size: float, colour: Colour, trunk: Colour) -> None:
    canvas.box(x - 7 * size, ground - 40 * size, x + 7 * size, ground, trunk)
    for bottom, half, top in ((30, 62, 120), (86, 50, 170), (140, 36, 222)):
        points = [
            (x - half * size, ground - bottom * size),
            (x, ground - top * size),
            (x + half * size, ground - bottom * size),
        ]
        canvas.polygon(points, _mix(colour, _WHITE, bottom / 1400))


def _foreground(canvas: _Canvas, door: float, palette: Palette, choose: random.Random) -> None:
    """A path to the door, grass and flowers."""
    bend = choose.uniform(-160, 160)
    left, right = (
        [
            (door + bend * t * t + side * (26 + 120 * t * t), canvas.height * (0.82 + 0.18 * t))
            for t in (step / 12 for step in range(13))
        ]
        for side in (-1, 1)
    )
    canvas.polygon([*left, *reversed(right)], _mix(palette.horizon, palette.fields[1], 0.35))
    near, stem = palette.fields[2], palette.trees[0]
    for x, y in _meadow(canvas, choose, 110, door + bend / 2):
        blade = (x + choose.uniform(-5, 5), y - choose.uniform(10, 24))
        canvas.line([(x, y), blade], 4, _mix(near, stem, choose.uniform(0.2, 0.6)))
    for x, y in _meadow(canvas, choose, 40, door + bend / 2):
        canvas.line([(x, y), (x, y + 14)], 3, _mix(near, stem, 0.5))
        canvas.disc(x, y, choose.uniform(5, 9), choose.choice((palette.sun, palette.accent, _WHITE, palette.roof)))


def _meadow(canvas: _Canvas, choose: random.Random, number: int, path: float) -> list[Point]:
    """Random spots on the nearest field, beside the path."""
    spots = [(choose.uniform(0, _WIDTH), canvas.height * choose.uniform(0.87, 1.0)) for _ in range(number)]
    return [(x, y) for x, y in spots if abs(x - path) > 260]
