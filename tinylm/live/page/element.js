// <tinylm-live>: a prompt, and one pane for each model that reads it.
//
// What stands in the element was written by Python (tinylm/live/markup.py), with results that PyTorch computed.
// At the reader's first touch the weights are fetched; from then on everything is computed here.

const N_ROWS = 8; // of the table of next tokens
const store = (globalThis.tinylmModels ??= {}); // each model is unpacked once a page

const number = (n, digits = 0) => n.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (p) => `${number(100 * p, 1)} %`;
const pause = () => new Promise((done) => setTimeout(done));
// as tinylm.live.markup.visible
const visible = (text) => text.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/ /g, "·") || "∅";

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// ---- a model, from its file to something that computes

function fetched(name, source) {
  const arrived = () => globalThis.tinylmWeights?.[name];
  if (arrived()) return Promise.resolve(arrived());
  return new Promise((resolve, reject) => {
    const script = make("script", { src: source });
    script.onload = () => (arrived() ? resolve(arrived()) : reject(new Error("the file holds something else")));
    script.onerror = () => reject(new Error(`${source} did not load`));
    document.head.append(script);
  });
}

// where something fails, the next call tries again
function ready(name, source) {
  return (store[name] ??= fetched(name, source)
    .then(unpack)
    .catch((error) => {
      delete store[name];
      throw error;
    }));
}

async function unpack({ config, tokenizer, checksum, weights }) {
  const bytes = bytesOf(weights);
  if (crc32(bytes) !== checksum) throw new Error("the weights were damaged on their way");
  await pause(); // let the page breathe between the parts
  const engine = new Engine(config, bytes);
  if (engine.broken) throw new Error("the weights are not all numbers");
  await pause();
  return { engine, bpe: new BPE(tokenizer), n: bytes.length / 2 };
}

// ---- one model's pane

class Pane {
  constructor(live, element, about) {
    Object.assign(this, { live, element, about });
    this.off = { heads: new Set(), layers: new Set() };
    this.written = [];
    this.layer = this.head = 0;
    this.$ = (selector) => element.querySelector(selector);
    this.wire();
  }

  get config() {
    return this.model.engine.config;
  }

  token(id) {
    return visible(this.model.bpe.decode([id]));
  }

  wire() {
    this.$(".chips").addEventListener("click", (event) => {
      const chip = event.target.closest("[role=option]");
      if (chip) this.choose([...chip.parentElement.children].indexOf(chip));
    });
    this.$(".chips").addEventListener("keydown", (event) => {
      const to = { ArrowLeft: this.chosen - 1, ArrowRight: this.chosen + 1, Home: 0, End: this.ids?.length - 1 }[event.key];
      if (to === undefined || !this.ids) return;
      event.preventDefault();
      this.choose(Math.max(0, Math.min(this.ids.length - 1, to)));
    });
    this.$(".next")?.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.id) this.live.add(this, Number(button.dataset.id));
    });
    this.$(".layer")?.addEventListener("change", (event) => {
      this.layer = Number(event.target.value);
      this.drawAttention();
    });
    this.$(".layer-on")?.addEventListener("change", (event) => this.turn(this.off.layers, this.layer, event.target.checked));
    this.element.querySelectorAll(".head").forEach((figure, head) => {
      figure.querySelector("input").addEventListener("change", (event) =>
        this.turn(this.off.heads, this.layer * this.config.n_heads + head, event.target.checked),
      );
      const map = figure.querySelector("canvas");
      const point = (event) => {
        if (!this.ids) return;
        const { left, top, width, height } = map.getBoundingClientRect();
        const n = this.ids.length;
        const at = (share) => Math.max(0, Math.min(n - 1, Math.floor(share * n)));
        this.pair(head, at((event.clientY - top) / height), at((event.clientX - left) / width));
      };
      map.addEventListener("pointermove", point);
      map.addEventListener("pointerdown", point);
      map.addEventListener("focus", () => this.ids && this.pair(head, this.chosen, this.to));
      map.addEventListener("keydown", (event) => {
        const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
        if (down === undefined || !this.ids) return;
        event.preventDefault();
        this.pair(head, Math.max(0, Math.min(this.ids.length - 1, this.chosen + down)), Math.max(0, this.to + right));
      });
    });
  }

  turn(set, which, on) {
    if (on) set.delete(which);
    else set.add(which);
    this.past = null;
    this.compute();
    this.draw();
    this.live.say(this.turnedOff());
  }

  turnedOff() {
    const layers = [...this.off.layers].map((l) => `layer ${l}`);
    const heads = [...this.off.heads].map((i) => `head ${i % this.config.n_heads} of layer ${Math.floor(i / this.config.n_heads)}`);
    const all = [...layers, ...heads];
    return all.length ? `Off: ${all.join(", ")}.` : "";
  }

  // the ids in view: a text longer than the context keeps its last half context, as tinylm.decoding does
  read(prompt) {
    this.prompt = this.model.bpe.encode(this.live.settings.before + prompt);
    this.start = 0;
    this.written = [];
    this.compute();
  }

  add(id) {
    this.written.push(id);
    this.compute();
  }

  compute() {
    const all = this.prompt.concat(this.written);
    const { context } = this.config;
    if (all.length - this.start > context) this.start = all.length - Math.max(1, context >> 1);
    const ids = all.slice(this.start);
    const useCache = this.live.useCache;
    let kept = 0;
    if (this.past && useCache && this.begun === this.start) {
      while (kept < Math.min(ids.length, this.ids.length) && ids[kept] === this.ids[kept]) kept++;
    }
    if (!kept) {
      this.past = this.model.engine.past();
      this.bits = [];
    }
    this.past.length = kept;
    const clock = performance.now();
    for (let t = kept; t < ids.length; t++) {
      if (t) this.measure(t, ids[t]);
      this.model.engine.step(ids[t], this.past, this.off);
    }
    Object.assign(this, { ids, begun: this.start, kept, read_ms: performance.now() - clock });
    this.logits = ids.length ? this.model.engine.logits(this.past) : null;
    this.chosen = ids.length - 1;
    this.to = this.logits ? this.strongest() : 0;
  }

  // how surprising a token was for what stood before it, in bits
  measure(t, id) {
    if (!this.live.views.has("surprise")) return;
    const logits = this.model.engine.logits(this.past, t - 1);
    let sum = 0;
    for (const logit of logits) sum += Math.exp(logit - logits[id]);
    this.bits[t] = Math.log2(sum);
  }

  strongest() {
    const row = this.past.weights[this.layer][this.head][this.chosen];
    return row.indexOf(Math.max(...row));
  }

  next(draw) {
    return choose(probabilities(this.logits, this.live.sampling), draw);
  }

  // ---- what is shown

  draw() {
    this.drawText();
    this.drawChips();
    this.drawNext();
    this.drawAttention();
    this.drawLens();
    this.drawCache();
  }

  choose(place) {
    this.chosen = place;
    this.pair(this.head, place, this.strongest());
  }

  drawText() {
    const box = this.$(".written");
    if (!box) return;
    const text = this.model.bpe.decode(this.written);
    const ends = this.live.settings.stop.map((word) => text.indexOf(word)).filter((at) => at >= 0);
    box.textContent = text.slice(0, Math.min(text.length, ...ends)); // a stop string ends the text and is none of it
    box.scrollTop = box.scrollHeight;
  }

  drawChips() {
    const list = this.$(".chips");
    const withBits = this.live.views.has("surprise");
    this.ids.forEach((id, t) => {
      const bits = this.bits[t];
      const written = t >= this.prompt.length - this.start;
      const looks = `${id} ${bits} ${written}`;
      const old = list.children[t];
      if (old?.looks === looks) return; // what did not change is left alone: most of a text while one types
      const chip = make("span", { role: "option", ariaSelected: "false", id: `chip${this.about.place}-${t}` });
      chip.append(make("b", {}, this.token(id)), make("i", {}, String(id)));
      if (written) chip.classList.add("new");
      if (withBits) {
        chip.append(make("u", {}, bits === undefined ? "–" : number(bits, 1)));
        chip.style.setProperty("--heat", `${Math.min(100, 8 * (bits ?? 0))}%`);
      }
      chip.looks = looks;
      if (old) old.replaceWith(chip);
      else list.append(chip);
    });
    while (list.children.length > this.ids.length) list.lastElementChild.remove();
    this.markChips();
    const known = this.bits.filter((bits) => bits !== undefined);
    const line = this.$(".surprise");
    if (line) {
      const sum = known.reduce((a, b) => a + b, 0);
      line.textContent = known.length
        ? `${number(sum, 1)} bits for ${known.length} tokens: ${number(sum / known.length, 2)} bits a token, a perplexity of ${number(2 ** (sum / known.length), 1)}.`
        : "The first token has nothing before it that could foretell it.";
    }
  }

  markChips() {
    const list = this.$(".chips");
    const chosen = list.children[this.chosen];
    const before = list.querySelector('[aria-selected="true"]');
    if (before !== chosen) before?.setAttribute("aria-selected", "false");
    chosen?.setAttribute("aria-selected", "true");
    if (chosen) list.setAttribute("aria-activedescendant", chosen.id);
    else list.removeAttribute("aria-activedescendant");
  }

  drawNext() {
    const body = this.$(".next tbody");
    if (!body) return;
    const p = this.logits ? probabilities(this.logits, this.live.sampling) : null;
    const best = p ? largest(p, N_ROWS) : [];
    [...body.rows].forEach((row, i) => {
      const button = row.querySelector("button");
      const share = best[i] === undefined ? 0 : p[best[i]];
      row.classList.toggle("none", !share);
      button.disabled = !share;
      button.dataset.id = share ? best[i] : "";
      button.textContent = share ? this.token(best[i]) : "–";
      button.title = share ? `Add this token (${best[i]})` : "";
      row.cells[1].textContent = share ? percent(share) : "";
      row.querySelector(".bar").style.width = `${100 * share}%`;
    });
  }

  drawAttention() {
    if (!this.live.views.has("attention")) return;
    this.$(".layer").value = this.layer;
    const layerOff = this.off.layers.has(this.layer);
    const ink = this.live.ink;
    this.$(".layer-on").checked = !layerOff;
    this.element.querySelectorAll(".head").forEach((figure, head) => {
      const headOff = this.off.heads.has(this.layer * this.config.n_heads + head);
      figure.classList.toggle("off", layerOff || headOff);
      figure.querySelector("input").checked = !headOff;
      this.paint(figure.querySelector("canvas"), this.past.weights[this.layer][head], head, ink);
    });
    this.sayPair();
  }

  // a square for each pair: the darker, the more the token of the row takes from that of the column
  paint(map, weights, head, ink) {
    const n = this.ids.length;
    map.classList.add("drawn");
    map.width = map.height = Math.max(1, n);
    if (!n) return;
    const context = map.getContext("2d");
    const image = context.createImageData(n, n);
    const pixels = new Uint32Array(image.data.buffer); // alpha, blue, green, red
    for (let t = 0; t < n; t++) {
      const row = weights[t];
      for (let s = 0; s <= t; s++) pixels[t * n + s] = ((255 * Math.sqrt(row[s])) << 24) | ink;
    }
    context.putImageData(image, 0, 0);
    if (head === this.head) {
      context.fillStyle = "#e8590c55";
      context.fillRect(0, this.chosen, n, 1);
    }
  }

  pair(head, from, to) {
    Object.assign(this, { head, chosen: from, to: Math.min(to, from) });
    this.markChips();
    this.drawAttention();
    this.drawLens();
  }

  sayPair() {
    const line = this.$(".pair");
    if (!this.ids.length) {
      line.textContent = "";
      return;
    }
    const row = this.past.weights[this.layer][this.head][this.chosen];
    const [from, to] = [this.chosen, this.to].map((t) => `‘${this.token(this.ids[t])}’ (place ${t})`);
    line.textContent = `Layer ${this.layer}, head ${this.head}: ${from} takes ${percent(row[this.to])} from ${to}.`;
    if (this.live.views.has("surprise")) return; // the chips' colour tells of that
    [...this.$(".chips").children].forEach((chip, s) => chip.style.setProperty("--heat", `${100 * Math.sqrt(row[s] ?? 0)}%`));
  }

  drawLens() {
    const body = this.$(".lens tbody");
    if (!body) return;
    this.$(".lens .after").textContent = this.ids.length ? `‘${this.token(this.ids[this.chosen])}’ (place ${this.chosen})` : "";
    [...body.rows].forEach((row, layer) => {
      const best = [];
      if (this.ids.length) {
        const p = probabilities(this.model.engine.logits(this.past, this.chosen, layer));
        for (const id of largest(p, 3)) best.push(make("span", {}, make("b", {}, this.token(id)), ` ${percent(p[id])}`));
      }
      row.cells[1].replaceChildren(...best);
    });
  }

  drawCache() {
    const line = this.$(".work");
    if (!line || !this.ids.length) return;
    const { engine } = this.model;
    const n = this.ids.length;
    let all = 0;
    for (let t = 0; t < n; t++) all += engine.work(t);
    const last = engine.work(n - 1);
    const took = this.live.useCache ? last : all;
    const kib = (n * 2 * this.config.n_layers * this.config.n_kv_heads * this.config.d_head * 4) / 1024;
    line.textContent =
      `The newest token took ${number(took / 1e6, 1)} million multiplications ` +
      (this.live.useCache
        ? `with its past kept (${number(kib)} KiB); without, all ${n} tokens anew, it would be ${number(all / 1e6, 1)} million: ${number(all / last, 1)} times as many.`
        : `because all ${n} tokens were read anew; with their keys and values kept it would be ${number(last / 1e6, 1)} million.`) +
      ` Last reading: ${n - this.kept} tokens in ${number(this.read_ms, 1)} ms.`;
  }

  // what PyTorch computed for the prompt as it stood when the page was made, against the same computed here
  check() {
    const { ids, places, logits } = this.about.reference;
    const past = this.model.engine.past();
    for (const id of ids) this.model.engine.step(id, past);
    const own = this.model.engine.logits(past);
    const difference = Math.max(...places.map((place, i) => Math.abs(own[place] - logits[i])));
    const how = this.model.engine.kernel ? "WebAssembly" : "plain JavaScript";
    const agrees = difference < 1e-3;
    this.element.dataset.difference = difference;
    this.$(".trust").textContent = agrees
      ? `${number(this.model.n)} weights, here in your browser (${how}). Its logits are PyTorch's to within ${difference.toExponential(0)}.`
      : `Here something else is computed than in PyTorch: logits differ by ${difference.toExponential(0)}. Trust the numbers of the text.`;
  }
}

// ---- the element

const Base = globalThis.HTMLElement ?? class {};

class Live extends Base {
  connectedCallback() {
    if (this.panes) return;
    this.dataset.state = "asleep";
    let root = this.shadowRoot;
    if (!root) {
      // a notebook puts pages together by hand, so that the template is still one
      root = this.attachShadow({ mode: "open" });
      root.append(this.querySelector("template").content.cloneNode(true));
    }
    this.$ = (selector) => root.querySelector(selector);
    this.settings = JSON.parse(this.$(".settings").textContent);
    this.views = new Set(this.settings.views);
    this.useCache = true;
    this.panes = [...root.querySelectorAll(".pane")].map(
      (element, place) => new Pane(this, element, { ...this.settings.models[place], place }),
    );
    this.wire(root);
  }

  wire(root) {
    for (const touch of ["pointerenter", "focusin", "pointerdown"]) {
      this.addEventListener(touch, () => this.dataset.state === "asleep" && this.wake(), { passive: true });
    }
    this.$(".live").classList.add("on");
    const prompt = this.$("textarea");
    prompt.readOnly = false; // nothing can be done without a script, so the page was made without
    for (const row of root.querySelectorAll(".next tr:not(.none) button")) row.disabled = false;
    prompt.addEventListener("input", () => this.changed());
    this.$(".one")?.addEventListener("click", () => this.sampled(1));
    this.$(".many")?.addEventListener("click", () => (this.writing ? this.stop() : this.sampled(this.settings.n_tokens)));
    this.$(".again").addEventListener("click", () => this.restart());
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.stop());
    for (const dial of root.querySelectorAll(".dial :is(input, select)")) {
      dial.addEventListener("input", () => {
        if (dial.nextElementSibling) dial.nextElementSibling.textContent = Number(dial.value).toFixed(2);
        for (const pane of this.panes) if (pane.ids) pane.drawNext();
      });
    }
    this.$(".cache-on")?.addEventListener("change", (event) => {
      this.useCache = event.target.checked;
      for (const pane of this.panes) {
        if (!pane.ids) continue;
        pane.past = null;
        pane.compute();
        pane.draw();
      }
    });
  }

  get sampling() {
    const dial = (name, otherwise) => Number(this.$(`.dial [name=${name}]`)?.value ?? otherwise);
    const { temperature, top_k, top_p } = this.settings;
    return { temperature: dial("temperature", temperature), topK: dial("top_k", top_k), topP: dial("top_p", top_p) };
  }

  // the colour of the maps, as a pixel that lets everything through
  get ink() {
    const [r, g, b] = getComputedStyle(this.$(".maps")).color.match(/[\d.]+/g).map(Number);
    return (b << 16) | (g << 8) | r;
  }

  say(sentence, failed = false) {
    const line = this.$(".message");
    line.textContent = sentence;
    line.classList.toggle("failed", failed);
  }

  source(model) {
    const root = document.documentElement.dataset.content_root ?? "";
    return `${root}_static/live/${model.name}.js`;
  }

  wake() {
    this.awake ??= this.start().catch((error) => this.fail(error));
    return this.awake;
  }

  async start() {
    this.dataset.state = "loading";
    this.say("Loading the model …");
    for (const pane of this.panes) {
      pane.model = await ready(pane.about.name, this.source(pane.about));
      await pause();
      pane.check();
    }
    this.dataset.state = "ready";
    this.changed();
    this.dispatchEvent(new CustomEvent("tinylm-ready", { bubbles: true }));
  }

  fail(error) {
    this.dataset.state = "failed";
    this.awake = null;
    const again = make("button", { type: "button" }, "Try again");
    again.onclick = () => this.wake();
    this.say(`The model cannot run here: ${error.message}. What you see was computed by PyTorch. `, true);
    this.$(".message").append(again);
  }

  changed() {
    this.stop();
    if (this.dataset.state !== "ready") return;
    const text = this.$("textarea").value;
    for (const pane of this.panes) {
      pane.read(text);
      pane.draw();
    }
    this.draws = new Draws(this.settings.seed);
    this.tell();
  }

  // what the reader should know about the text
  tell() {
    const said = [];
    const pane = this.panes[0];
    if (!pane.ids.length) said.push("Type something: where there is no token, there is nothing to go on from.");
    if (pane.start) said.push(`This model sees ${pane.config.context} tokens at most: the first ${pane.start} are out of its view.`);
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(this.$("textarea").value)) {
      said.push("Half a character was read as �.");
    }
    said.push(...this.panes.map((each) => each.turnedOff()).filter(Boolean));
    for (const name of [".one", ".many"]) if (this.$(name)) this.$(name).disabled = !pane.ids.length;
    this.say(said.join(" "));
  }

  // the reader chose a token: all models go on with it
  async add(pane, id) {
    await this.wake();
    if (this.dataset.state !== "ready") return;
    this.stop();
    const piece = pane.model.bpe.decode([id]);
    for (const each of this.panes) {
      for (const own of each === pane ? [id] : each.model.bpe.encode(piece)) each.add(own);
      each.draw();
    }
    this.tell();
  }

  async sampled(n) {
    await this.wake();
    if (this.dataset.state !== "ready" || !this.panes[0].ids.length) return;
    const turn = (this.writing = {});
    if (n > 1) this.$(".many").textContent = "Stop";
    const ended = new Set();
    for (let i = 0; i < n && this.writing === turn && ended.size < this.panes.length; i++) {
      const draw = this.draws.next(); // one for all models, so that they differ by what they think alone
      for (const pane of this.panes) {
        if (ended.has(pane)) continue;
        const id = pane.next(draw);
        pane.add(id);
        pane.draw();
        const text = pane.model.bpe.decode(pane.written);
        if (this.settings.stop.some((word) => text.includes(word))) ended.add(pane);
      }
      if (n > 1) await new Promise(requestAnimationFrame);
    }
    if (this.writing === turn) this.stop();
    this.tell();
  }

  stop() {
    this.writing = null;
    if (this.$(".many")) this.$(".many").textContent = "Write on";
  }

  restart() {
    this.$("textarea").value = this.settings.prompt;
    for (const pane of this.panes) {
      pane.off.heads.clear();
      pane.off.layers.clear();
      pane.past = null;
    }
    this.changed();
  }
}

if (globalThis.customElements && !customElements.get("tinylm-live")) customElements.define("tinylm-live", Live);
