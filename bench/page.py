"""How fast a live model is in a page: `.venv/bin/python bench/page.py`, best alone on the machine.

The base model in a headless Chromium, with the kernel and in plain JavaScript, beside PyTorch and NumPy in
the same run; then what the reader waits for.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from tinylm import checkpoints, decoding
from tinylm.inference import NumpyTransformer
from tinylm.live import VIEWS, explore

N_TOKENS = 100  # written in one turn
PROMPT = "Question: Where does Nadia Randmann live?\nAnswer:"
WRITE = """(n) => {
  const { model, ids } = document.querySelector("tinylm-live").panes[0];
  const past = model.engine.past();
  for (const id of ids) model.engine.step(id, past);
  const start = performance.now();
  for (let i = 0; i < n; i++) {
    const logits = model.engine.logits(past);
    model.engine.step(logits.indexOf(Math.max(...logits)), past);
  }
  return (1000 * n) / (performance.now() - start);
}"""
WAITS = """async () => {
  const live = document.querySelector("tinylm-live");
  const root = live.shadowRoot;
  const box = root.querySelector("textarea");
  const timed = async (n, act) => {
    const took = [];
    for (let i = 0; i < n; i++) {
      const start = performance.now();
      act(i);
      root.querySelector(".live").offsetHeight; // until the picture is laid out
      took.push(performance.now() - start);
      await new Promise(requestAnimationFrame);
    }
    return took;
  };
  const say = (text) => {
    box.value = text;
    box.dispatchEvent(new Event("input"));
  };
  const sentences = "Arvid lives near the mill. Mattis has a red kite. Where does Nadia live? ";
  const words = sentences.repeat(9).split(" ");
  let text = "";
  while (live.panes[0].ids.length < 64) say((text += `${words.shift()} `));
  const keys = await timed(30, (i) => say(text + "abcdefgh"[i % 8]));
  const heads = root.querySelectorAll(".head input");
  const heads_off = await timed(20, (i) => heads[i % heads.length].click());
  return { keys, heads_off, n: live.panes[0].ids.length };
}"""


def main() -> None:
    torch.set_num_threads(1)
    trained = checkpoints.pretrained("base")
    shown = explore(trained.model, trained.tokenizer, PROMPT, views=VIEWS, before="<|end|>")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    speeds, report = {"kernel": [], "JavaScript": [], "PyTorch": [], "NumPy": []}, {}
    ids = [trained.tokenizer.encode(f"<|end|>{PROMPT}")[:20]]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8>{shown.html()}", encoding="utf-8")
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        pages = {}
        for name in ("kernel", "JavaScript"):
            page = pages[name] = browser.new_context().new_page()
            if name == "JavaScript":
                page.add_init_script("delete globalThis.WebAssembly")
            page.goto(path.as_uri())
            page.locator("textarea").focus()
            page.wait_for_function("document.querySelector('tinylm-live').dataset.state === 'ready'")
        models = {"PyTorch": trained.model, "NumPy": NumpyTransformer(trained.model)}
        for _ in range(7):  # in turns, since a machine's speed drifts
            for name, page in pages.items():
                speeds[name].append(page.evaluate(WRITE, N_TOKENS))
            for name, model in models.items():
                start = time.perf_counter()
                decoding.generate(model, ids, N_TOKENS, temperature=0)
                speeds[name].append(N_TOKENS / (time.perf_counter() - start))
        for name, page in pages.items():
            waits = page.evaluate(WAITS)
            report[name] = {
                f"{what}, ms: median, longest": [statistics.median(waits[what]), max(waits[what])]
                for what in ("keys", "heads_off")
            } | {"tokens in view": waits["n"]}
    report["tokens/s, median of 7 turns"] = {name: statistics.median(found) for name, found in speeds.items()}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
