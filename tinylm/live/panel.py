"""Widgets that drive Python objects from a notebook: a model to type to, and a training to steer.

They need a kernel. In the built book, where there is none, a panel shows what it last looked like: a picture
without controls.
"""

import html
import io
import math
import threading
from collections.abc import Callable

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tinylm import figures, pretraining
from tinylm.decoding import choose, probabilities
from tinylm.live.markup import N_ROWS, visible
from tinylm.tokens import Tokenizer
from tinylm.transformer import Transformer

WHOLE = {"description_width": "initial"}  # labels are shown whole
ONLY_RUNNING = "This is a still picture: run the page in Jupyter or Colab for its controls."


class Panel:
    """What both panels share: widgets in a notebook, a still picture in a page."""

    widget: widgets.Widget

    def still(self) -> str:
        """What a page without a kernel shows."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        page = f"{self.still()}<p><small>{ONLY_RUNNING}</small></p>"
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {
            "text/plain": repr(self),
            "text/html": page,
            "application/vnd.jupyter.widget-view+json": view,  # shown where there is a kernel
        }


class ModelPanel(Panel):
    """Type to a model in Python, of whatever make: anything that turns ids (1, T) into logits (1, T, V).

    What stands on the screen can be read back: `text`, `ids` (T), and `logits` (V) after the last token.
    """

    def __init__(
        self,
        model: Callable[[Tensor], Tensor],
        tokenizer: Tokenizer,
        prompt: str = "",
        temperature: float = 1.0,
        n_tokens: int = 40,
        seed: int = 0,
        why: str = "",
    ):
        self.model, self.tokenizer, self.n_tokens, self.why = model, tokenizer, n_tokens, why
        self.generator = torch.Generator().manual_seed(seed)
        self.box = widgets.Textarea(
            prompt, description="Your text", layout=widgets.Layout(width="100%"), continuous_update=True
        )
        self.dial = widgets.FloatSlider(
            temperature, min=0, max=2, step=0.05, description="Temperature", style=WHOLE
        )
        self.one, self.many = (widgets.Button(description=name) for name in ("Next token", "Write on"))
        self.table, self.message = widgets.HTML(), widgets.HTML()
        self.box.observe(lambda change: self.look(), "value")
        self.dial.observe(lambda change: self.look(), "value")
        self.one.on_click(lambda button: self.write(1))
        self.many.on_click(lambda button: self.write(self.n_tokens))
        self.widget = widgets.VBox(
            [
                widgets.HTML(f"<p>{html.escape(why)}</p>" if why else ""),
                self.box,
                widgets.HBox([self.one, self.many, self.dial]),
                self.table,
                self.message,
            ]
        )
        self.look()

    @property
    def text(self) -> str:
        return self.box.value

    @text.setter
    def text(self, value: str) -> None:
        self.box.value = value

    @torch.no_grad()
    def look(self) -> None:
        """Ask the model about the text as it stands, and show what it says."""
        self.ids = self.tokenizer.encode(self.text)
        self.logits = None
        context = getattr(getattr(self.model, "config", None), "context", None)
        cut = max(0, len(self.ids) - context) if context else 0
        said = (
            [f"The model sees {context} tokens at most: the first {cut} are out of its view."] if cut else []
        )
        if not self.ids:
            said.append("Type something: where there is no token, there is nothing to go on from.")
        else:
            try:
                device = getattr(self.model, "device", "cpu")
                self.logits = self.model(torch.tensor([self.ids[cut:]], device=device))[0, -1].float().cpu()
            except Exception as error:  # noqa: BLE001  whatever the reader's own model raises is shown, not lost
                said.append(f"The model failed: {type(error).__name__}: {error}")
        if self.logits is not None and not self.logits.isfinite().all():
            said.append("The model's logits are not all finite numbers: nothing can be chosen by them.")
            self.logits = None
        self.table.value = self.rows()
        self.message.value = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in said)
        self.one.disabled = self.many.disabled = self.logits is None

    def rows(self) -> str:
        """The most probable next tokens, as a table."""
        if self.logits is None:
            return ""
        top = probabilities(self.logits, self.dial.value).topk(min(N_ROWS, len(self.logits)))
        lines = "".join(
            f"<tr><td><code>{html.escape(visible(self.tokenizer.decode([token])))}</code></td>"
            f"<td>{100 * share:.1f} %</td></tr>"
            for token, share in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        )
        return f"<table><tr><th>next token</th><th>probability</th></tr>{lines}</table>"

    def write(self, n_tokens: int) -> None:
        """Let the model go on by so many tokens."""
        for _ in range(n_tokens):
            if self.logits is None:
                return
            draw = torch.rand(1, dtype=torch.float64, generator=self.generator)
            chosen = choose(probabilities(self.logits, self.dial.value).unsqueeze(0), draw).item()
            self.text += self.tokenizer.decode([chosen])

    def __repr__(self) -> str:
        return f"{self.why} A panel on the model itself: {self.text!r}".strip()

    def still(self) -> str:
        why = f"<p>{html.escape(self.why)}</p>" if self.why else ""
        return f"{why}<pre>{html.escape(self.text)}</pre>{self.table.value}{self.message.value}"


class TrainingPanel(Panel):
    """Steer a training: start, pause, stop, the learning rate while it runs, and a live loss curve.

    The training runs beside the notebook, which stays usable; the model is trained in place. `losses` has the
    loss of every step so far, in nats per token; `history` what `pretraining.train` gives back at its end.
    settings: of `pretraining.train`, such as batch_size and the rates.
    """

    def __init__(self, model: Transformer, ids: Tensor, n_steps: int = 300, warm_up: int = 20, **settings):
        self.model, self.ids, self.n_steps = model, ids, n_steps
        self.warm_up, self.settings = warm_up, settings
        self.losses: list[float] = []
        self.rates: list[float] = []  # the factor of the learning rates at every step
        self.history: pretraining.History | None = None
        self.thread: threading.Thread | None = None
        self.going, self.stopping = threading.Event(), threading.Event()
        self.start_button, self.pause_button, self.stop_button = (
            widgets.Button(description=name) for name in ("Start", "Pause", "Stop")
        )
        self.rate = widgets.FloatLogSlider(
            1.0,
            base=10,
            min=-2,
            max=1,
            step=0.05,
            description="Learning rate ×",
            readout_format=".2f",
            style=WHOLE,
        )
        self.bar = widgets.IntProgress(0, 0, n_steps)
        self.curve, self.message = widgets.HTML(), widgets.HTML()
        self.start_button.on_click(lambda button: self.start())
        self.pause_button.on_click(lambda button: self.pause())
        self.stop_button.on_click(lambda button: self.stop())
        self.widget = widgets.VBox(
            [
                widgets.HBox([self.start_button, self.pause_button, self.stop_button, self.bar]),
                self.rate,
                self.curve,
                self.message,
            ]
        )
        self.draw("not started")

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def start(self) -> None:
        """Begin, or go on after a pause."""
        self.going.set()
        if not self.running:
            self.stopping.clear()
            self.losses, self.rates, self.history = [], [], None
            self.thread = threading.Thread(target=self._train, daemon=True)
            self.thread.start()

    def pause(self) -> None:
        """Wait after the step at hand, until `start`."""
        self.going.clear()
        if self.running:
            self.draw(f"paused after {len(self.losses)} of {self.n_steps} steps")

    def stop(self) -> None:
        """End after the step at hand; the model keeps what it has learned."""
        self.stopping.set()
        self.going.set()

    def wait(self, seconds: float | None = None) -> None:
        """Until the training has ended."""
        if self.thread:
            self.thread.join(seconds)

    def _train(self) -> None:
        try:
            self.history = pretraining.train(
                self.model,
                self.ids,
                self.n_steps,
                **self.settings,
                schedule=self._schedule,
                on_step=self._note,
                device=self.model.device,  # so that it can be asked while training pauses
                progress=None,
            )
        except Exception as error:  # noqa: BLE001  it ends a thread: nobody else would show it
            self.draw(f"{type(error).__name__}: {error}")
            return
        done = len(self.losses) == self.n_steps
        self.draw(f"{'done' if done else 'stopped'} after {len(self.losses)} steps")

    def _schedule(self, step: int) -> float:
        self.rates.append(self.rate.value)
        return self.rate.value * pretraining.learning_rate(step, self.n_steps, self.warm_up)

    def _note(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        self.bar.value = step
        if step % max(1, self.n_steps // 50) == 0:
            self.draw(f"step {step} of {self.n_steps}")
        self.going.wait()
        if self.stopping.is_set() and step < self.n_steps:
            raise KeyboardInterrupt  # train ends early by it, and keeps the model

    def draw(self, sentence: str) -> None:
        self.curve.value = self.picture()
        self.message.value = f"<p>{html.escape(sentence)}</p>"

    def picture(self) -> str:
        """The loss of every step so far, as an SVG."""
        figure = Figure(figsize=(6, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(range(1, len(self.losses) + 1), self.losses, color=figures.BLUE)
        axes.set_xlim(0, self.n_steps)
        axes.set_xlabel("steps")
        axes.set_ylabel("loss, nats per token")
        held = io.StringIO()
        figure.savefig(held, format="svg", metadata={"Date": None}, transparent=True)
        svg = held.getvalue().replace("#000000", "currentColor")  # legible in the dark too
        last = f"{self.losses[-1]:.3f}" if self.losses else "none yet"
        label = f"Loss against steps: {len(self.losses)} of {self.n_steps} steps, the last loss {last}."
        about = f'<svg fill="currentColor" role="img" aria-label="{label}"'
        return svg[svg.index("<svg") :].replace("<svg", about, 1)

    def __repr__(self) -> str:
        last = f", loss {self.losses[-1]:.3f}" if self.losses and math.isfinite(self.losses[-1]) else ""
        return f"a training of {self.n_steps} steps, {len(self.losses)} done{last}"

    def still(self) -> str:
        return f"{self.picture()}{self.message.value}"
