"""One look for all figures: sharp at any size, legible on light and on dark, safe for colour-blind eyes."""

import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import set_matplotlib_formats

# Okabe and Ito's colours that keep their contrast when the dark theme inverts lightness
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#A6548B", "#737373"
INK = "#333333"


def use() -> None:
    """Set the style of the figures that follow; the first code cell of a chapter calls it."""
    set_matplotlib_formats("svg", metadata={"Date": None})  # the same figure gives the same file
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",  # a notebook may be dark; the book takes it away
            "axes.facecolor": "none",
            "svg.hashsalt": "tinylm",  # names inside the file, otherwise drawn at random
            "svg.fonttype": "path",
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PURPLE, GREY]),
            "image.cmap": "Blues",
            "legend.frameon": False,
            "lines.linewidth": 2,
            **dict.fromkeys(
                ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
            ),
        }
    )


def label_line(axes, x: float, y: float, text: str, color: str, **kwargs) -> None:
    """Write `text` beside the point (x, y), in the colour of its line: readers need no legend."""
    axes.annotate(text, (x, y), xytext=(6, 0), textcoords="offset points", va="center", color=color, **kwargs)
