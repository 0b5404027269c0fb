"""The page's scripts in a browser, to be compared with PyTorch, and small models for that."""

import base64

import pytest
import torch

from tinylm import tokens
from tinylm.live import markup
from tinylm.live.publishing import publish
from tinylm.transformer import Config, Transformer

TEXT = (
    "Where does Mira live? Mira lives near the old mill, I'm told.\n"
    "She hasn't 12 cats — «très» well, 日本 🙂.\n" * 9
)


@pytest.fixture(scope="session")
def tokenizer():
    return tokens.train(TEXT, 320, specials=["<|end|>"])


@pytest.fixture(scope="session")
def engine_page(chromium):
    """A bare page that knows the scripts' names: Engine, BPE, Draws, probabilities, choose."""
    context = chromium.new_context()
    page = context.new_page()
    kernel = base64.b64encode((markup.PAGE / "kernel.wasm").read_bytes()).decode()
    parts = [(markup.PAGE / name).read_text(encoding="utf-8") for name in markup.SCRIPTS]
    page.add_script_tag(content="\n".join([f'const KERNEL = "{kernel}";', *parts]))
    yield page
    context.close()


@pytest.fixture
def make_model(tokenizer):
    """A model of the wanted sizes with random weights, large enough that its choices are clear."""

    def make(seed: int = 0, **sizes) -> Transformer:
        torch.manual_seed(seed)
        default = {"context": 32, "n_layers": 2, "d_model": 24, "n_heads": 4}
        model = Transformer(Config(tokenizer.vocab_size, **(default | sizes)))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 2:
                    parameter.mul_(8)
                else:
                    parameter.mul_(1 + 0.3 * torch.randn_like(parameter))
        return model.eval()

    return make


@pytest.fixture
def in_page(engine_page, tokenizer):
    """Run a model in the page: what its engine finds for some ids."""

    def run(model, ids, heads_off=(), layers_off=(), kernel=True) -> dict:
        publication = publish(model, tokenizer)
        heads = [layer * model.config.n_heads + head for layer, head in heads_off]
        return engine_page.evaluate(
            """([config, weights, ids, heads, layers, kernel]) => {
              const engine = new Engine(config, bytesOf(weights), kernel);
              const past = engine.past();
              const off = { heads: new Set(heads), layers: new Set(layers) };
              for (const id of ids) engine.step(id, past, off);
              const L = config.n_layers;
              return {
                kernel: Boolean(engine.kernel),
                logits: ids.map((_, t) => Array.from(engine.logits(past, t))),
                lens: [...Array(L + 1).keys()].map((l) => Array.from(engine.logits(past, ids.length - 1, l))),
                maps: past.weights.map((layer) => layer.map((head) => head.map((row) => Array.from(row)))),
              };
            }""",
            [
                publication.config,
                base64.b64encode(publication.weights).decode(),
                list(ids),
                heads,
                list(layers_off),
                kernel,
            ],
        )

    return run
