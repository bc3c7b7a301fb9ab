"""Names beside points, where there is room: placed in one order, none over another."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

# Where a name may stand, best first: offset in points, horizontal and vertical alignment.
_PLACES = (
    (3, 0, "left", "center"),
    (-3, 0, "right", "center"),
    (0, 3, "center", "bottom"),
    (0, -3, "center", "top"),
    (2, 2, "left", "bottom"),
    (-2, 2, "right", "bottom"),
    (2, -2, "left", "top"),
    (-2, -2, "right", "top"),
)
# Half the side of a marker, in points.
_MARKER = 1.5
# Between two names, in points.
_GAP = 0.8


def place(
    box: Axes, points: Sequence[tuple[float, float]], names: Sequence[str], *, size: float
) -> int:
    """Write names beside points; a name that would cover another, or a marker, is left out.

    The layout of the figure must be final.

    Parameters
    ----------
    box
        Where the points are.
    points
        In data coordinates.
    names
        One a point. Points in the emptiest places are named first, ties in the given order.
    size
        Of the font, in points.

    Returns
    -------
    int
        Names that found a place.
    """
    figure = box.get_figure(root=True)
    point = (figure.dpi if figure is not None else 72.0) / 72
    spots = [tuple(map(float, box.transData.transform(each))) for each in points]
    half = _MARKER * point
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in spots]
    inside = box.get_window_extent()
    found = 0
    for number in _loneliest_first(spots):
        text = box.annotate(names[number], points[number], fontsize=size, annotation_clip=False)
        extent = text.get_window_extent()
        text.remove()
        own = taken[number]
        for dx, dy, across, up in _PLACES:
            x, y = spots[number][0] + dx * point, spots[number][1] + dy * point
            left = x - extent.width * {"left": 0.0, "center": 0.5, "right": 1.0}[across]
            low = y - extent.height * {"bottom": 0.0, "center": 0.5, "top": 1.0}[up]
            area = Bbox.from_bounds(left, low, extent.width, extent.height)
            fits = inside.x0 <= area.x0 and area.x1 <= inside.x1
            fits = fits and inside.y0 <= area.y0 and area.y1 <= inside.y1
            clear = area.padded(_GAP * point)
            if fits and not any(clear.overlaps(each) for each in taken if each is not own):
                box.annotate(
                    names[number], points[number], (dx, dy), textcoords="offset points",
                    ha=across, va=up, fontsize=size,
                )  # fmt: skip
                taken.append(area)
                found += 1
                break
    return found


def _loneliest_first(spots: Sequence[tuple[float, ...]]) -> list[int]:
    """Order points by the distance to their nearest neighbour, greatest first."""

    def room(number: int) -> float:
        x, y = spots[number]
        others = (spot for other, spot in enumerate(spots) if other != number)
        return min(((x - a) ** 2 + (y - b) ** 2 for a, b in others), default=0.0)

    return sorted(range(len(spots)), key=lambda number: (-room(number), number))
