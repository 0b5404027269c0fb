"""The models and the loop that ours is compared with: what a reader would pick instead.

Each peer is a module that turns ids (B, T) into logits (B, T, V) and keeps our `Config` of its sizes, so that
data, loss and evaluation are the same code for all.
"""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from tinylm import hub
from tinylm.pretraining import next_token_loss, windows
from tinylm.transformer import Config, Transformer

logging.set_verbosity_error()  # remarks on tiny models are no result
logging.disable_progress_bar()


class GPTBlock(nn.Module):
    """Attention and feed-forward as in GPT-2 (Radford et al. 2019), without biases."""

    def __init__(self, width: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.first_norm, self.second_norm = (nn.LayerNorm(width, bias=False) for _ in range(2))
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        together = self.query_key_value(self.first_norm(x)).unflatten(-1, (3, self.n_heads, -1))
        q, k, v = together.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.mix(seen.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.widen(self.second_norm(x))))


class NanoGPT(nn.Module):
    """The shape that nanoGPT trains by default: GPT-2 without biases, learned positions, tied embeddings."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.positions = nn.Embedding(config.context, config.d_model)
        self.blocks = nn.Sequential(
            *(GPTBlock(config.d_model, config.n_heads) for _ in range(config.n_layers))
        )
        self.norm = nn.LayerNorm(config.d_model, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                adds = name.endswith(("mix.weight", "narrow.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layers) if adds else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        return F.linear(self.norm(self.blocks(x)), self.tokens.weight)


class Published(nn.Module):
    """A model of Transformers, asked for nothing but logits."""

    def __init__(self, config: Config, model: nn.Module):
        super().__init__()
        self.config, self.model = config, model

    def forward(self, ids: Tensor) -> Tensor:
        return self.model(ids, use_cache=False).logits  # a cache that nobody reads would cost it time


def llama(config: Config) -> Published:
    """`LlamaForCausalLM` of the same sizes."""
    sizes = {theirs: getattr(config, ours) for ours, theirs in hub.SIZES.items()}
    settings = LlamaConfig(**sizes, rms_norm_eps=config.norm_eps, tie_word_embeddings=True)
    return Published(config, LlamaForCausalLM(settings))


def gpt2(config: Config) -> Published:
    """`GPT2LMHeadModel` of the same width and depth, without dropout."""
    settings = GPT2Config(
        vocab_size=config.vocab_size,
        n_positions=config.context,
        n_embd=config.d_model,
        n_layer=config.n_layers,
        n_head=config.n_heads,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        **dict.fromkeys(("bos_token_id", "eos_token_id")),
    )
    return Published(config, GPT2LMHeadModel(settings))


@dataclass(frozen=True)
class Plan:
    """How the plain loop trains: AdamW, whose rate rises over `warm_up` steps and falls to `last_rate`."""

    rate: float
    last_rate: float = 0.0
    warm_up: int = 0
    cosine: bool = False  # else it falls in a straight line
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0  # of matrices

    def rate_at(self, step: int, n_steps: int) -> float:
        if step < self.warm_up:
            return self.rate * (step + 1) / (self.warm_up + 1)
        gone = (step - self.warm_up) / max(1, n_steps - self.warm_up)
        left = (1 + math.cos(math.pi * gone)) / 2 if self.cosine else 1 - gone
        return self.last_rate + (self.rate - self.last_rate) * left


README_RUN = Plan(1e-3, 1e-4, warm_up=100, cosine=True, betas=(0.9, 0.99), weight_decay=0.1)
TUNED = Plan(3e-3, warm_up=40, betas=(0.9, 0.99))


def train_plainly(
    model: nn.Module,
    ids: Tensor,
    n_steps: int,
    plan: Plan,
    on_step: Callable[[], None],
    batch_size: int = 12,
    seed: int = 0,
    autocast: bool = False,
) -> None:
    """The best plain loop: fused AdamW, gradients clipped at 1, no look at a loss on the way.

    autocast: compute in bfloat16 where PyTorch finds it safe.
    """
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=plan.rate, betas=plan.betas, fused=True)
    generator = torch.Generator().manual_seed(seed)
    length = model.config.context
    model.train()
    for step in range(n_steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate_at(step, n_steps)
        starts = torch.randint(len(ids) - length, (batch_size,), generator=generator).to(ids.device)
        inputs, targets = windows(ids, length, starts)
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=autocast):
            loss = next_token_loss(model(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        on_step()


def with_weights_of(model: Transformer) -> LlamaForCausalLM:
    """Transformers' model with the weights of ours, by way of the folder that a reader would save."""
    with tempfile.TemporaryDirectory() as folder:
        hub.save_pretrained(model, folder)
        theirs = LlamaForCausalLM.from_pretrained(folder, dtype=model.embedding.weight.dtype)
    return theirs.to(model.device).eval()


def generate(model: LlamaForCausalLM, prompt: Tensor, n_tokens: int) -> Tensor:
    """Transformers' own `generate`, greedy, with its cache: (B, T) to (B, T + n_tokens)."""
    return model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=n_tokens,
        min_new_tokens=n_tokens,
        do_sample=False,
        use_cache=True,
        pad_token_id=0,
    )
