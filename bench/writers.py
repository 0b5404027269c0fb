"""The contest of generation: new tokens per second, greedy, of the same weights under different engines."""

from collections.abc import Callable, Iterator

import peers
import torch
from contestants import Settings, config_of
from torch import Tensor
from turns import Entry, compare, endlessly, take_turns

from tinylm import decoding, inference
from tinylm.transformer import Transformer

VOCABULARY, PROMPT = 1024, 16  # tokens
REFERENCE = "Llama, float32"
Writer = Callable[[Tensor, int], Tensor]  # a prompt (B, T) and a number of tokens to a text (B, T + n)


def generation_speed(settings: Settings) -> Iterator[dict]:
    """Everyone goes on from the same prompts, at each size and with each number of texts at once.

    Raises ValueError where an engine in float32 writes another text than the others.
    """
    result = {}
    for size in settings.sizes:
        writers = engines(size, settings)
        for batch_size in settings.batches:
            prompt = torch.randint(
                VOCABULARY, (batch_size, PROMPT), generator=torch.Generator().manual_seed(0)
            )
            prompt = prompt.to(settings.device)
            texts = {name: writer(prompt, settings.n_new) for name, writer in writers.items()}
            check(texts)
            entries = {
                name: Entry(endlessly(lambda writer=writer, prompt=prompt: writer(prompt, settings.n_new)))
                for name, writer in writers.items()
            }
            label = f"generation, {size} parameters, batch {batch_size}"
            laps = take_turns(entries, label, settings.turn, settings.seconds, settings.synchronize)
            rows = compare(laps, dict.fromkeys(writers, batch_size * settings.n_new), REFERENCE)
            for name, row in rows.items():
                row["agree"] = agreement(texts[name], texts[REFERENCE])
            result.setdefault(size, {})[str(batch_size)] = {"reference": REFERENCE, "contestants": rows}
            yield result


def engines(size: str, settings: Settings) -> dict[str, Writer]:
    """Transformers and ours in each precision, and ours in NumPy on a processor; the weights are the same."""
    found = {}
    for precision in settings.precisions:
        model = clear_model(size, settings).to(getattr(torch, precision))
        found[f"tinylm, {precision}"] = ours(model)
        found[f"Llama, {precision}"] = theirs(model)
    if settings.device == "cpu":
        found["tinylm in NumPy, float32"] = ours(inference.NumpyTransformer(clear_model(size, settings)))
    return found


def ours(model: Transformer | inference.NumpyTransformer) -> Writer:
    return lambda prompt, n_tokens: decoding.generate(model, prompt, n_tokens, temperature=0)


def theirs(model: Transformer) -> Writer:
    published = peers.with_weights_of(model)
    return lambda prompt, n_tokens: peers.generate(published, prompt, n_tokens)


def clear_model(size: str, settings: Settings) -> Transformer:
    """A model whose choices are so clear that rounding hardly changes them, and as fast as a trained one."""
    torch.manual_seed(0)
    config = config_of(size, vocab_size=VOCABULARY, context=PROMPT + settings.n_new)
    model = Transformer(config).to(settings.device).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    return model


def check(texts: dict[str, Tensor]) -> None:
    """Raise ValueError where two engines in float32 disagree by more than a tie that rounding decided."""
    for name, text in texts.items():
        share = agreement(text, texts[REFERENCE])
        if name.endswith("float32") and share < 0.9:
            same = f"only {share:.0%} of its tokens are those of {REFERENCE}"
            raise ValueError(f"{name} does not compute the same model ({same}): its speed would mean nothing")


def agreement(text: Tensor, reference: Tensor) -> float:
    """The share of new tokens that are equal, up to the first of each row that is not."""
    same = (text == reference)[:, PROMPT:].int().cumprod(dim=1)
    return same.float().mean().item()
