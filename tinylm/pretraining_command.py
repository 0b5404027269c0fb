"""The command `python -m tinylm.pretraining`: a text in, a trained model out.

python -m tinylm.pretraining run --text my.txt               one process
torchrun --nproc-per-node 2 -m tinylm.pretraining run ...    two, on one machine; see chapters/distributed.md
"""

import argparse
import sys
import time
from pathlib import Path

import tokenizers
import torch

from tinylm import checkpoints, corpora, distributed, hub, pretraining, tokens
from tinylm.transformer import Config, Transformer

END = "<|endoftext|>"  # other programs want to know what ends a text, as hub and gguf tell them
EPILOGUE = """\
The folder keeps the state of the run. Stopped at any moment, the same command goes on from there and ends as
if it had never stopped. The trained model is in FOLDER/model, and `tinylm.checkpoints.load` reads it.

examples:
  python -m tinylm.pretraining run
  python -m tinylm.pretraining run --text my.txt --n-layers 4 --d-model 256 --n-steps 2000
  torchrun --nproc-per-node 2 -m tinylm.pretraining run --batch-size 32
"""


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(
        prog="python -m tinylm.pretraining",
        description="Train a transformer language model on a text.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("folder", type=Path, help="where the run keeps its state and its model")
    add("--text", type=Path, help="a UTF-8 file to learn from (default: Python's own documentation)")
    add("--vocab-size", type=int, default=512, help="tokens of the vocabulary, at least 257 (%(default)s)")
    size = command.add_argument_group("size of the model")
    size.add_argument("--n-layers", type=int, default=2, help="(%(default)s)")
    size.add_argument("--d-model", type=int, default=128, help="width of the stream (%(default)s)")
    size.add_argument("--n-heads", type=int, default=4, help="query heads (%(default)s)")
    size.add_argument("--n-kv-heads", type=int, help="key/value heads (as many as query heads)")
    size.add_argument("--context", type=int, default=64, help="tokens it looks back over (%(default)s)")
    run = command.add_argument_group("training")
    run.add_argument("--n-steps", type=int, default=400, help="(%(default)s)")
    run.add_argument("--batch-size", type=int, default=16, help="windows a step, all together (%(default)s)")
    run.add_argument("--accumulate", type=int, default=1, help="parts of a batch, one by one (%(default)s)")
    run.add_argument("--optimizer", choices=["muon", "adamw"], default="muon", help="(%(default)s)")
    run.add_argument("--matrix-rate", type=float, default=0.02, help="Muon's peak rate (%(default)s)")
    run.add_argument("--other-rate", type=float, default=0.008, help="AdamW's peak rate (%(default)s)")
    run.add_argument("--warm-up", type=int, default=20, help="steps (%(default)s)")
    run.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    run.add_argument("--evaluate-every", type=int, default=100, help="steps (%(default)s)")
    run.add_argument("--target-loss", type=float, help="stop at this validation loss, in nats per token")
    run.add_argument("--save-every", type=int, default=100, help="steps (%(default)s)")
    how = command.add_argument_group("processor")
    how.add_argument("--device", choices=["cpu", "cuda"], help="(a GPU where there is one)")
    how.add_argument("--threads", type=int, help="of the processor, for each process (PyTorch's choice)")
    how.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto", help="(auto)")
    how.add_argument(
        "--compiled", action=argparse.BooleanOptionalAction, help="by torch.compile (where that pays)"
    )
    how.add_argument("--sharded", action="store_true", help="cut the model up among the processes")
    command.add_argument(
        "--transformers", action="store_true", help="write FOLDER/transformers too, for that library"
    )
    return command


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 after one line that says what is wrong."""
    given = parser().parse_args(arguments)
    try:
        run(given)
    except (ValueError, OSError, FloatingPointError) as error:
        sys.stderr.write(f"tinylm.pretraining: {error}\n")  # in one go: several processes may say it
        return 1
    finally:
        distributed.stop()
    return 0


def run(given: argparse.Namespace) -> None:
    if given.threads:
        torch.set_num_threads(given.threads)
    device = distributed.start(given.device)
    talks = distributed.rank() == 0
    text = corpora.read_text(given.text) if given.text else corpora.python_docs()
    train_text, validation_text = corpora.split(text)
    made = tokens.train(train_text, given.vocab_size, [END]).backend.to_str() if talks else None
    tokenizer = tokens.Tokenizer(tokenizers.Tokenizer.from_str(distributed.from_first(made)))
    ids, validation = (
        torch.tensor(tokenizer.encode(part), device=device) for part in (train_text, validation_text)
    )
    sizes = ("context", "n_layers", "d_model", "n_heads", "n_kv_heads")
    config = Config(tokenizer.vocab_size, **{name: getattr(given, name) for name in sizes}, qk_norm=True)
    torch.manual_seed(given.seed)
    model = Transformer(config).to(device)
    if talks:
        print(
            f"{model.n_parameters:,} parameters, {len(ids):,} tokens to learn from, "
            f"{given.n_steps} steps of {given.batch_size * given.context:,} tokens, on {device}"
            + (f" and {distributed.n_processes() - 1} more" if distributed.n_processes() > 1 else "")
        )

    passed_on = ("n_steps", "batch_size", "accumulate", "other_rate", "warm_up", "seed", "evaluate_every")
    passed_on += ("target_loss", "save_every", "precision", "compiled", "sharded")
    start = time.monotonic()
    history = pretraining.train(
        model,
        ids,
        validation=validation,
        matrix_rate=given.matrix_rate if given.optimizer == "muon" else None,
        device=device,
        folder=given.folder / "states",
        **{name: getattr(given, name) for name in passed_on},
    )
    seconds = time.monotonic() - start
    weights, _ = distributed.whole(model)
    if not talks:
        return
    for step, loss in zip(history.steps, history.validation, strict=True):
        print(f"after {step:>6} steps   validation loss {loss:.4f} nats per token")
    print(f"{len(history.training)} of {given.n_steps} steps done, {seconds:.1f} s in this run")
    plain = Transformer(config)
    plain.load_state_dict(weights)
    checkpoints.save(checkpoints.Trained(plain, tokenizer, history.to_dict()), given.folder / "model")
    print(f"The model is in {given.folder / 'model'}.")
    if given.transformers:
        hub.save_pretrained(plain, given.folder / "transformers", tokenizer)
        print(f"For Hugging Face Transformers it is in {given.folder / 'transformers'}.")
