"""The element as HTML, with what PyTorch found already in it: a page without scripts shows that."""

import base64
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
import torch
from markupsafe import Markup
from PIL import Image
from torch import Tensor

from tinylm.decoding import probabilities
from tinylm.live.publishing import Publication
from tinylm.live.reading import Reading
from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer

PAGE = files("tinylm.live") / "page"
SCRIPTS = "draws.js", "bpe.js", "engine.js", "element.js"
N_ROWS = 8  # of the table of next tokens; element.js has the same
INK = (10, 125, 145)  # of attention maps, until the page paints them in its own colour
TOP_K = [1, 5, 20, 100]


@dataclass(frozen=True)
class Shown:
    """One model in an element: what it is called, what runs it, and what it made of the prompt."""

    label: str
    publication: Publication
    model: Transformer  # with the publication's numbers
    tokenizer: Tokenizer
    reading: Reading

    def text(self, token: int) -> str:
        return visible(self.tokenizer.decode([token]))


@cache
def source(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


@cache
def template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(source("element.html"))


@cache
def runtime() -> str:
    """The script that makes `<tinylm-live>` elements live, in one piece."""
    kernel = base64.b64encode((PAGE / "kernel.wasm").read_bytes()).decode()
    parts = "\n".join(map(source, SCRIPTS))
    return f'(() => {{\n"use strict";\nconst KERNEL = "{kernel}";\n{parts}}})();\n'


def element(shown: Sequence[Shown], settings: dict) -> str:
    """A `<tinylm-live>` with one pane for each model. _ext/live.py makes its template a shadow root, which
    browsers open without a script; a notebook, which puts pages together by hand, would complain of that."""
    models = [{"name": each.publication.name, "reference": reference(each.reading)} for each in shown]
    return template().render(
        style=Markup(source("style.css")),
        settings=settings,
        views=settings["views"],
        with_chips=not set(settings["views"]) <= {"next", "cache"},
        top_k_choices=sorted({*TOP_K, settings["top_k"]} - {0}),
        panes=[pane(each, settings) for each in shown],
        about=inert(settings | {"models": models}),
    )


def inert(data) -> Markup:
    """JSON that ends no script element by what it holds."""
    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def reference(reading: Reading, n: int = 16) -> dict:
    """Logits after the prompt that the page's own are compared with: the highest, and as many across."""
    if not reading.ids:
        return {"ids": [], "places": [], "logits": []}
    last = reading.logits[-1]
    places = [*last.topk(min(n, len(last))).indices.tolist(), *range(0, len(last), max(1, len(last) // n))]
    return {"ids": reading.ids, "places": places, "logits": [round(last[i].item(), 6) for i in places]}


def pane(shown: Shown, settings: dict) -> dict:
    """What one model's pane shows, as the template asks for it."""
    reading, config = shown.reading, shown.publication.config
    best = most_probable(shown, settings)
    empty = [{"text": "–", "share": ""}] * (N_ROWS - len(best))
    last = len(reading.ids) - 1
    return {
        "label": shown.label,
        "config": config,
        "n_weights": f"{len(shown.publication.weights) // 2:,}",
        "chips": [
            {"text": shown.text(token), "id": token, "bits": "–" if math.isnan(bits) else f"{bits:.1f}"}
            for token, bits in zip(reading.ids, reading.bits, strict=True)
        ],
        "surprise": surprise(reading),
        "rows": [{"text": shown.text(token), "share": percent(share)} for token, share in best] + empty,
        "maps": [picture_of(weights) for weights in reading.maps[0]] if reading.ids else [],
        "after": f"‘{shown.text(reading.ids[-1])}’ (place {last})" if reading.ids else "",
        "stages": [
            {"name": f"layer {i - 1}" if i else "embedding", "tokens": tokens}
            for i, tokens in enumerate(lens(shown))
        ],
    }


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def surprise(reading: Reading) -> str:
    known = reading.bits[1:]
    if not known:
        return "The first token has nothing before it that could foretell it."
    mean = sum(known) / len(known)
    return (
        f"{sum(known):,.1f} bits for {len(known)} tokens: {mean:.2f} bits a token, "
        f"a perplexity of {2**mean:,.1f}."
    )


def most_probable(shown: Shown, settings: dict, n: int = N_ROWS) -> list[tuple[int, float]]:
    """The tokens that may come next, most probable first, with what the dials make of their probability."""
    if not shown.reading.ids:
        return []
    how = settings["temperature"], settings["top_k"] or None, settings["top_p"]
    return top(probabilities(shown.reading.logits[-1].double(), *how), n)


def top(p: Tensor, n: int) -> list[tuple[int, float]]:
    found = p.topk(min(n, len(p)))
    pairs = zip(found.indices.tolist(), found.values.tolist(), strict=True)
    return [(token, share) for token, share in pairs if share]


@torch.no_grad()
def lens(shown: Shown, n: int = 3) -> list[list[dict]]:
    """The logit lens (nostalgebraist 2020): what the readout makes of the last place's stream after each
    layer, the embedding first."""
    if not shown.reading.ids:
        return [[] for _ in range(shown.publication.config["n_layers"] + 1)]
    logits = shown.model.readout(shown.model.norm(shown.reading.streams[:, -1]))  # (L + 1, V)
    return [
        [{"text": shown.text(token), "share": percent(share)} for token, share in top(p, n)]
        for p in logits.softmax(-1)
    ]


def picture_of(weights: Tensor) -> str:
    """An attention map (T, T) as a PNG in an address: ink where a row takes from a column."""
    alpha = Image.fromarray((255 * weights.sqrt()).round().byte().numpy())
    image = Image.merge("RGBA", [*(Image.new("L", alpha.size, tone) for tone in INK), alpha])
    held = io.BytesIO()
    image.save(held, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"


def visible(text: str) -> str:
    """A token's text with its white space shown."""
    return text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·") or "∅"
