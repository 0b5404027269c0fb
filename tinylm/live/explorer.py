"""`explore`: a model, or two side by side, to type to."""

from collections.abc import Sequence
from functools import cached_property

import torch

from tinylm.inference import NumpyTransformer
from tinylm.live import markup
from tinylm.live.panel import ModelPanel
from tinylm.live.publishing import CannotPublish, Publication, publish, restore
from tinylm.live.reading import Reading, read
from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer

VIEWS = ("tokens", "next", "attention", "lens", "surprise", "cache")
ROUNDING = 0.05  # of the spread of logits: half precision stays far below, another computation far above


def explore(
    model: Transformer | Sequence[Transformer],
    tokenizer: Tokenizer | Sequence[Tokenizer],
    prompt: str = "",
    views: Sequence[str] = ("tokens", "next"),
    *,
    labels: Sequence[str] | None = None,
    before: str = "",
    stop: str | Sequence[str] = (),
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    n_tokens: int = 40,
    seed: int = 0,
) -> "Explorer":
    """Show a model to type to, or several side by side on one prompt; the last line of a cell.

    views: what is shown, in this order: "tokens" with their ids; "next", the probabilities of the next token,
    with temperature, top-k and top-p and buttons to go on writing; "attention" of each layer and head, each
    of which can be switched off; "lens", what the model would say after each layer; "surprise", bits per
    token; "cache", the work that keeping keys and values saves.
    labels: the models' names, where there are several. before: stands before every prompt and not in the box
    ("<|end|>", say). stop: writing ends with these strings. temperature, top_k, top_p: where the dials stand
    first, as in `tinylm.decoding.probabilities`. n_tokens: how many "Write on" writes. seed: it writes what
    `decoding.write(..., seed=seed)` writes with the weights in half precision.

    Raises ValueError for an unknown view or a setting outside its range.
    """
    models = [model] if isinstance(model, torch.nn.Module) else list(model)
    tokenizers = [tokenizer] * len(models) if isinstance(tokenizer, Tokenizer) else list(tokenizer)
    names = list(labels) if labels is not None else [f"model {i + 1}" for i in range(len(models))]
    unknown = [view for view in views if view not in VIEWS]
    if unknown or not views or isinstance(views, str):
        raise ValueError(f"views={views!r}: choose among {', '.join(VIEWS)}")
    if not len(models) == len(tokenizers) == len(names) or not models:
        raise ValueError(
            f"{len(models)} models, {len(tokenizers)} tokenizers, {len(names)} labels: give as many of each"
        )
    for name, value, least, most in (
        ("temperature", temperature, 0, 2),
        ("top_k", top_k or 1, 1, 10**6),
        ("top_p", 1.0 if top_p is None else top_p, 0.05, 1),
        ("n_tokens", n_tokens, 1, 10_000),
        ("seed", seed, 0, 2**32 - 1),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name}={value} must lie between {least} and {most}")
    settings = {
        "prompt": prompt,
        "before": before,
        "views": [view for view in VIEWS if view in views],
        "stop": [stop] if isinstance(stop, str) else list(stop),
        "temperature": temperature,
        "top_k": top_k or 0,
        "top_p": 1.0 if top_p is None else top_p,
        "n_tokens": n_tokens,
        "seed": seed,
    }
    return Explorer(models, tokenizers, names, settings)


class Explorer:
    """What `explore` returns: it shows itself in a notebook and in the book."""

    def __init__(self, models: list, tokenizers: list[Tokenizer], labels: list[str], settings: dict):
        self.models, self.tokenizers, self.labels, self.settings = models, tokenizers, labels, settings
        self.why_not: str | None = None  # a sentence, where no page can run one of the models
        try:
            publications = [publish(*pair) for pair in zip(models, tokenizers, strict=True)]
            self.shown = [self._shown(i, publication) for i, publication in enumerate(publications)]
        except CannotPublish as error:
            self.shown, self.why_not = [], str(error)

    def _shown(self, i: int, publication: Publication) -> markup.Shown:
        model, tokenizer = restore(publication), self.tokenizers[i]
        check_agreement(model, self.models[i])
        text = self.settings["before"] + self.settings["prompt"]
        ids = in_view(tokenizer.encode(text), model.config.context)
        reading = read(model, ids) if ids else Reading([], *[torch.zeros(0)] * 3)
        return markup.Shown(self.labels[i], publication, model, tokenizer, reading)

    def __repr__(self) -> str:
        if self.why_not:
            return self.why_not
        lines = []
        for shown in self.shown:
            best = markup.most_probable(shown, self.settings, 5)
            tokens = ", ".join(f"{shown.tokenizer.decode([i])!r} {100 * p:.1f} %" for i, p in best)
            name = f"{shown.label}: " if len(self.shown) > 1 else ""
            lines.append(f"{name}{self.settings['prompt']!r} goes on with {tokens or 'nothing: it is empty'}")
        return "\n".join(lines)

    def html(self) -> str:
        """The element, and behind it what it needs: weights and script, which the book keeps in files."""
        if self.why_not:
            return "".join(panel.still() for panel in self.panels)
        scripts = {shown.publication.name: shown.publication.script() for shown in self.shown}
        scripts["tinylm-live"] = markup.runtime()
        return markup.element(self.shown, self.settings) + "".join(
            f'<script class="tinylm-carried" data-name="{name}">{script}</script>'
            for name, script in scripts.items()
        )

    @cached_property
    def panels(self) -> list[ModelPanel]:
        """Widgets on the Python objects themselves, one for each model."""
        keep = {name: self.settings[name] for name in ("temperature", "n_tokens", "seed")}
        text = self.settings["before"] + self.settings["prompt"]
        return [
            ModelPanel(model, tokenizer, text, why=self.why_not or "", **keep)
            for model, tokenizer in zip(self.models, self.tokenizers, strict=True)
        ]

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if self.why_not and len(self.panels) == 1:
            return self.panels[0]._repr_mimebundle_(include, exclude)
        return {"text/plain": repr(self), "text/html": self.html()}


def in_view(ids: list[int], context: int) -> list[int]:
    """What a model sees of a prompt: of one longer than its context the last half context."""
    return ids if len(ids) <= context else ids[-max(1, context // 2) :]


@torch.no_grad()
def check_agreement(published: Transformer, model: Transformer, n_tokens: int = 24) -> None:
    """Compare what was published, computed in NumPy as the page does, with the model on random tokens.

    Raises CannotPublish where logits differ by more than half precision explains: `forward` was changed.
    """
    generator = torch.Generator().manual_seed(0)
    config = model.config
    ids = torch.randint(config.vocab_size, (4, min(n_tokens, config.context)), generator=generator)
    was_training = model.training
    wanted = model.eval()(ids.to(model.device)).float().cpu()
    model.train(was_training)
    given = NumpyTransformer(published)(ids)
    difference, spread = (given - wanted).abs().max().item(), wanted.std().item()
    if not difference <= ROUNDING * max(spread, 1e-3):
        raise CannotPublish(
            f"This model computes something else than a page would: logits differ by {difference:.2g}, and "
            f"they spread by {spread:.2g}. Was its forward changed?"
        )
