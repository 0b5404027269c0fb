"""The element as HTML, with what PyTorch found already in it: a page without scripts shows that."""

import base64
import html
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from PIL import Image
from torch import Tensor

from tinylm.decoding import probabilities
from tinylm.live.publishing import Publication
from tinylm.live.reading import Reading
from tinylm.tokens import Tokenizer

PAGE = files("tinylm.live") / "page"
SCRIPTS = "draws.js", "bpe.js", "engine.js", "element.js"
N_ROWS = 8  # of the table of next tokens; element.js has the same
INK = (10, 125, 145)  # of attention maps, until the page paints them in its own colour


@dataclass(frozen=True)
class Shown:
    """One model in an element: what it is called, what runs it, and what it made of the prompt."""

    label: str
    publication: Publication
    tokenizer: Tokenizer
    reading: Reading


@cache
def runtime() -> str:
    """The script that makes `<tinylm-live>` elements live, in one piece."""
    kernel = base64.b64encode((PAGE / "kernel.wasm").read_bytes()).decode()
    parts = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\nconst KERNEL = "{kernel}";\n{parts}}})();\n'


def element(shown: Sequence[Shown], settings: dict) -> str:
    """A `<tinylm-live>` with one pane for each model, as a template that browsers open without a script."""
    views = settings["views"]
    about = settings | {
        "models": [
            {"name": each.publication.name, "reference": reference(each.reading)} for each in shown
        ]
    }
    style = (PAGE / "style.css").read_text(encoding="utf-8")
    panes = "".join(pane(each, settings, len(shown) > 1) for each in shown)
    cache_box = (
        '<div class="row cache"><label><input type="checkbox" class="cache-on" checked> '
        "keep keys and values (KV cache)</label></div>"
    )
    return (
        '<tinylm-live><template shadowrootmode="open">'
        f"<style>{style}</style>"
        '<div class="live" role="group" aria-label="A language model to try">'
        '<label class="title" for="prompt">Your text</label>'
        '<textarea id="prompt" rows="2" spellcheck="false" autocomplete="off" autocapitalize="off">'
        f"\n{html.escape(settings['prompt'])}</textarea>"
        f"{tools(settings)}{cache_box if 'cache' in views else ''}"
        f'<div class="panes">{panes}</div>'
        '<p class="message" role="status"></p></div>'
        f'<script type="application/json" class="settings">{inert(about)}</script>'
        "</template></tinylm-live>"
    )


def inert(data) -> str:
    """JSON that ends no script element by what it holds."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def reference(reading: Reading, n: int = 16) -> dict:
    """Logits after the prompt that the page's own are compared with: the highest, and as many across."""
    if not reading.ids:
        return {"ids": [], "places": [], "logits": []}
    last = reading.logits[-1]
    places = [*last.topk(min(n, len(last))).indices.tolist(), *range(0, len(last), max(1, len(last) // n))]
    return {"ids": reading.ids, "places": places, "logits": [round(last[i].item(), 6) for i in places]}


def tools(settings: dict) -> str:
    buttons, dials = "", ""
    if "next" in settings["views"]:
        buttons = '<button type="button" class="one">Next token</button><button type="button" class="many">Write on</button>'
        choices = sorted({1, 5, 20, 100, settings["top_k"]} - {0})
        options = "".join(
            f'<option value="{k}"{" selected" if k == settings["top_k"] else ""}>{k or "all"}</option>'
            for k in [0, *choices]
        )
        dials = (
            dial("temperature", "Temperature", 0, 2, settings["temperature"])
            + f'<span class="dial"><label for="top_k">Top-k</label>'
            f'<select id="top_k" name="top_k">{options}</select></span>'
            + dial("top_p", "Top-p", 0.05, 1, settings["top_p"])
        )
    again = '<button type="button" class="again">Start over</button>'
    return f'<div class="tools">{buttons}{again}{dials}</div>'


def dial(name: str, label: str, least: float, most: float, value: float) -> str:
    return (
        f'<span class="dial"><label for="{name}">{label}</label><input id="{name}" name="{name}" type="range" '
        f'min="{least}" max="{most}" step="0.05" value="{value}"><output for="{name}">{value:.2f}</output></span>'
    )


def pane(shown: Shown, settings: dict, labelled: bool) -> str:
    """What one model has to show; the places that the script fills are found by their classes."""
    views, reading = settings["views"], shown.reading
    parts = [f'<p class="label">{html.escape(shown.label)}</p>' if labelled else ""]
    chips_shown = not set(views) <= {"next", "cache"}
    parts.append('<output class="written" aria-label="What the model wrote"></output>')
    parts.append(
        f'<div class="part"{"" if chips_shown else " hidden"}><p class="title">Tokens, each with its id'
        f'{" and its surprise in bits" if "surprise" in views else ""}</p>'
        f'<div class="chips" role="listbox" tabindex="0" aria-label="Tokens">{chips(shown, "surprise" in views)}</div></div>'
    )
    if "surprise" in views:
        parts.append(f'<p class="note surprise">{surprise(reading)}</p>')
    if "next" in views:
        parts.append(next_table(shown, settings))
    if "attention" in views:
        parts.append(attention(shown))
    if "lens" in views:
        parts.append(lens(shown))
    if "cache" in views:
        parts.append('<p class="note work needs-script"></p>')
    trust = f"{len(shown.publication.weights) // 2:,} weights. These numbers are PyTorch's."
    parts.append(f'<p class="note trust">{trust}</p>')
    named = f' role="group" aria-label="{html.escape(shown.label)}"' if labelled else ""
    return f'<div class="pane"{named}>{"".join(parts)}</div>'


def chips(shown: Shown, with_bits: bool) -> str:
    made = []
    bits = shown.reading.bits
    for place, token in enumerate(shown.reading.ids):
        last = place == len(shown.reading.ids) - 1
        text = html.escape(visible(shown.tokenizer.decode([token])))
        own = f"<u>{'–' if math.isnan(bits[place]) else f'{bits[place]:.1f}'}</u>" if with_bits else ""
        made.append(
            f'<span role="option" aria-selected="{"true" if last else "false"}"><b>{text}</b><i>{token}</i>{own}</span>'
        )
    return "".join(made)


def surprise(reading: Reading) -> str:
    known = reading.bits[1:]
    if not known:
        return "The first token has nothing before it that could foretell it."
    mean = sum(known) / len(known)
    return (
        f"{sum(known):,.1f} bits for {len(known)} tokens: {mean:.2f} bits a token, "
        f"a perplexity of {2**mean:,.1f}."
    )


def next_table(shown: Shown, settings: dict) -> str:
    rows = []
    best = most_probable(shown, settings)
    for token, share in [*best, *[(None, 0.0)] * (N_ROWS - len(best))]:
        text = "–" if token is None else html.escape(visible(shown.tokenizer.decode([token])))
        rows.append(
            f'<tr{"" if share else " class=none"}><td><button type="button">{text}</button></td>'
            f'<td>{f"{100 * share:.1f} %" if share else ""}</td>'
            f'<td><span class="bar" style="width:{100 * share:.1f}%"></span></td></tr>'
        )
    return (
        '<table class="next"><caption>What comes next</caption><thead hidden><tr><th>token</th>'
        f"<th>probability</th><th>as a bar</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def most_probable(shown: Shown, settings: dict, n: int = N_ROWS) -> list[tuple[int, float]]:
    """The tokens that may come next, most probable first, with what the dials make of their probability."""
    if not shown.reading.ids:
        return []
    p = probabilities(
        shown.reading.logits[-1].double(),
        settings["temperature"],
        settings["top_k"] or None,
        settings["top_p"],
    )
    top = p.topk(min(n, len(p)))
    return [(i, share) for i, share in zip(top.indices.tolist(), top.values.tolist(), strict=True) if share]


def attention(shown: Shown) -> str:
    n_layers, n_heads = shown.reading.maps.shape[:2] if shown.reading.ids else (0, 0)
    config = shown.publication.config
    options = "".join(f'<option value="{i}">{i}</option>' for i in range(config["n_layers"]))
    heads = []
    for head in range(config["n_heads"]):
        picture = f' style="background-image:url({picture_of(shown.reading.maps[0, head])})"' if n_layers else ""
        heads.append(
            f'<figure class="head"><canvas{picture} tabindex="0" role="application" '
            f'aria-roledescription="attention map" aria-label="Attention of head {head}: arrow keys choose a pair '
            f'of tokens"></canvas><label class="needs-script"><input type="checkbox" checked> head {head} on</label></figure>'
        )
    return (
        '<p class="title">Attention: each row a token, each column one that it takes from</p>'
        '<div class="row needs-script"><label>Layer <select class="layer">'
        f'{options}</select></label><label><input type="checkbox" class="layer-on" checked> layer on</label></div>'
        f'<div class="maps">{"".join(heads)}</div><p class="pair" aria-live="polite"></p>'
    )


def picture_of(weights: Tensor) -> str:
    """An attention map (T, T) as a PNG in an address: ink where a row takes from a column."""
    alpha = (255 * weights.sqrt()).round().byte().numpy()
    image = Image.merge("RGBA", [*(Image.new("L", alpha.shape[::-1], tone) for tone in INK), Image.fromarray(alpha)])
    held = io.BytesIO()
    image.save(held, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"


def lens(shown: Shown) -> str:
    n_layers = shown.publication.config["n_layers"]
    stages = ["embedding", *(f"layer {i}" for i in range(n_layers))]
    rows = "".join(f'<tr><th scope="row">{stage}</th><td></td></tr>' for stage in stages)
    return (
        '<table class="lens needs-script"><caption>Logit lens: what the model would say after each layer, '
        f'behind <span class="after"></span></caption><tbody>{rows}</tbody></table>'
    )


def visible(text: str) -> str:
    """A token's text with its white space shown."""
    return text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·") or "∅"
