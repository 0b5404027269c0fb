"""tinylm.figures: what a notebook shows is an SVG on white ground, the same each time."""

import re

import matplotlib
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure

from tinylm import figures


@pytest.fixture
def show():
    """A function that shows a figure as a notebook would, after `figures.use()`."""
    with matplotlib.rc_context():
        figures.use()
        yield lambda figure: InteractiveShell.instance().display_formatter.format(figure)[0]


def drawn() -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3], [2, 1, 3])
    axes.set_title("A title")
    figures.label_line(axes, 3, 3, "a line", figures.BLUE)
    return figure


def test_a_notebook_shows_svg_and_no_picture_of_pixels(show):
    shown = show(drawn())
    assert shown["image/svg+xml"].lstrip().startswith("<?xml")
    assert "image/png" not in shown


def test_dark_ink_stands_on_white_so_that_a_dark_notebook_shows_it(show):
    svg = show(drawn())["image/svg+xml"]
    style = re.search(r'id="patch_1">\s*<path[^>]*style="([^"]*)"', svg)[1]
    assert "fill: #ffffff" in style
    assert "opacity" not in style


def test_the_same_figure_gives_the_same_bytes(show):
    assert show(drawn())["image/svg+xml"] == show(drawn())["image/svg+xml"]


def test_a_label_has_the_colour_of_its_line(show):
    axes = drawn().axes[0]
    assert axes.texts[0].get_text() == "a line"
    assert axes.texts[0].get_color() == axes.lines[0].get_color() == figures.BLUE


def luminance(colour: str) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    channels = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)
    )
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


@pytest.mark.parametrize("colour", ["BLUE", "ORANGE", "GREEN", "PURPLE", "GREY", "INK"])
def test_every_colour_can_be_told_from_the_page(colour):
    assert (1.05) / (
        luminance(getattr(figures, colour)) + 0.05
    ) >= 3  # contrast with white, for lines and marks
