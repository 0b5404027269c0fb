// The forward pass of tinylm.transformer.Transformer, one token at a time.

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

// half precision to single, written to `floats`
function widen(bytes, floats) {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  if (globalThis.Float16Array) {
    floats.set(new Float16Array(halves.buffer, halves.byteOffset, halves.length));
    return;
  }
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const sign = (half & 0x8000) << 16;
    const rest = half & 0x7fff;
    if (rest >= 0x7c00) bits[i] = sign | 0x7f800000 | (rest << 13); // no number
    else if (rest >= 0x400) bits[i] = sign | ((rest << 13) + 0x38000000);
    else floats[i] = (sign ? -1 : 1) * rest * 2 ** -24;
  }
}

// the checksum of zlib.crc32
function crc32(bytes) {
  const table = Int32Array.from({ length: 256 }, (_, c) => {
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  let crc = -1;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

class Engine {
  // config: of the model; weights: its bytes, in the order of tinylm.live.publishing.parts
  constructor(config, weights, useKernel = true) {
    this.config = config;
    const { vocab_size: V, d_model: C, n_heads: H, n_kv_heads: G, d_head: D, d_feedforward: M } = config;
    const places = { x: C, unit: C, q: H * D, k: G * D, v: G * D, z: H * D, gate: M, up: M, out: Math.max(C, V) };
    const n = weights.byteLength / 2;
    const room = n + Object.values(places).reduce((sum, size) => sum + size + 4, 4);
    this.memory(room, useKernel);
    widen(weights, this.floats.subarray(0, n));
    this.broken = !this.floats.subarray(0, n).every(Number.isFinite);
    let at = (n + 3) & ~3; // places begin at whole vectors
    this.at = {};
    for (const [name, size] of Object.entries(places)) {
      this.at[name] = at;
      at += (size + 3) & ~3;
    }
    at = 0;
    const take = (size) => (at += size) - size;
    this.embedding = take(V * C);
    this.layers = Array.from({ length: config.n_layers }, () => ({
      attentionNorm: take(C),
      query: take(H * D * C),
      key: take(G * D * C),
      value: take(G * D * C),
      queryNorm: config.qk_norm ? take(D) : null,
      keyNorm: config.qk_norm ? take(D) : null,
      output: take(C * H * D),
      feedforwardNorm: take(C),
      gate: take(M * C),
      up: take(M * C),
      down: take(C * M),
    }));
    this.norm = take(C);
    this.readout = config.tied ? this.embedding : take(V * C);
    const half = D / 2;
    this.cos = new Float32Array(config.context * half);
    this.sin = new Float32Array(config.context * half);
    for (let i = 0; i < half; i++) {
      const frequency = Math.fround(config.rope_theta ** Math.fround((-2 * i) / D));
      for (let t = 0; t < config.context; t++) {
        const angle = Math.fround(t * frequency);
        this.cos[t * half + i] = Math.cos(angle);
        this.sin[t * half + i] = Math.sin(angle);
      }
    }
  }

  memory(room, useKernel) {
    this.kernel = null;
    try {
      if (!useKernel) throw new Error("not wanted");
      const memory = new WebAssembly.Memory({ initial: Math.ceil((room * 4) / 65536) });
      const module = new WebAssembly.Module(bytesOf(KERNEL));
      this.kernel = new WebAssembly.Instance(module, { page: { memory } }).exports.multiply;
      this.floats = new Float32Array(memory.buffer);
    } catch {
      this.floats = new Float32Array(room); // no WebAssembly, or a policy that forbids it: JavaScript does it
    }
  }

  // y = W x, all three places in the memory
  multiply(w, x, y, rows, columns) {
    if (this.kernel) {
      this.kernel(w * 4, x * 4, y * 4, rows, columns);
      return;
    }
    const { floats } = this;
    const whole = columns & ~3;
    for (let r = 0; r < rows; r++, w += columns) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      let i = 0;
      for (; i < whole; i += 4) {
        a += floats[w + i] * floats[x + i];
        b += floats[w + i + 1] * floats[x + i + 1];
        c += floats[w + i + 2] * floats[x + i + 2];
        d += floats[w + i + 3] * floats[x + i + 3];
      }
      for (; i < columns; i++) a += floats[w + i] * floats[x + i];
      floats[y + r] = a + b + c + d;
    }
  }

  // what a text leaves behind: of every position its keys, values, attention weights, and the stream
  past() {
    const { context, n_layers: L, n_kv_heads: G, n_heads: H, d_head: D, d_model: C } = this.config;
    const each = (size) => Array.from({ length: L }, () => new Float32Array(context * size));
    return {
      length: 0,
      keys: each(G * D),
      values: each(G * D),
      streams: [...each(C), new Float32Array(context * C)], // the embedding, then after each layer
      weights: Array.from({ length: L }, () => Array.from({ length: H }, () => [])), // (L, H, T, S ≤ T)
    };
  }

  // One more token. off: what does not take part, {heads: Set of layer * H + head, layers: Set of layer}.
  step(token, past, off) {
    const { floats, at, config } = this;
    const { n_layers: L, n_heads: H, n_kv_heads: G, d_head: D, d_model: C, d_feedforward: M } = config;
    const t = past.length;
    floats.copyWithin(at.x, this.embedding + token * C, this.embedding + (token + 1) * C);
    past.streams[0].set(floats.subarray(at.x, at.x + C), t * C);
    for (let l = 0; l < L; l++) {
      const layer = this.layers[l];
      this.unit(at.x, layer.attentionNorm, at.unit, C);
      this.multiply(layer.query, at.unit, at.q, H * D, C);
      this.multiply(layer.key, at.unit, at.k, G * D, C);
      this.multiply(layer.value, at.unit, at.v, G * D, C);
      this.turn(at.q, H, layer.queryNorm, t);
      this.turn(at.k, G, layer.keyNorm, t);
      past.keys[l].set(floats.subarray(at.k, at.k + G * D), t * G * D);
      past.values[l].set(floats.subarray(at.v, at.v + G * D), t * G * D);
      for (let h = 0; h < H; h++) this.attend(past, l, h, off?.heads.has(l * H + h));
      if (!off?.layers.has(l)) {
        this.multiply(layer.output, at.z, at.out, C, H * D);
        this.add(C);
        this.unit(at.x, layer.feedforwardNorm, at.unit, C);
        this.multiply(layer.gate, at.unit, at.gate, M, C);
        this.multiply(layer.up, at.unit, at.up, M, C);
        for (let i = 0; i < M; i++) {
          const gate = floats[at.gate + i];
          floats[at.gate + i] = (gate / (1 + Math.exp(-gate))) * floats[at.up + i];
        }
        this.multiply(layer.down, at.gate, at.out, C, M);
        this.add(C);
      }
      past.streams[l + 1].set(floats.subarray(at.x, at.x + C), t * C);
    }
    past.length++;
  }

  // logits at a position, as they would be if reading ended after `layer` layers: the last for the model's own
  logits(past, position = past.length - 1, layer = this.config.n_layers) {
    const { floats, at, config } = this;
    const { d_model: C, vocab_size: V } = config;
    floats.set(past.streams[layer].subarray(position * C, (position + 1) * C), at.x);
    this.unit(at.x, this.norm, at.unit, C);
    this.multiply(this.readout, at.unit, at.out, V, C);
    return floats.slice(at.out, at.out + V);
  }

  // RMSNorm, into another place
  unit(x, scale, y, size) {
    const { floats } = this;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += floats[x + i] * floats[x + i];
    const by = 1 / Math.sqrt(sum / size + this.config.norm_eps);
    for (let i = 0; i < size; i++) floats[y + i] = floats[x + i] * by * floats[scale + i];
  }

  // query-key norm where there is one, and rotary position
  turn(x, n, scale, t) {
    const { floats, config } = this;
    const half = config.d_head / 2;
    for (let h = 0; h < n; h++, x += config.d_head) {
      if (scale !== null) this.unit(x, scale, x, config.d_head);
      for (let i = 0; i < half; i++) {
        const [a, b] = [floats[x + i], floats[x + half + i]];
        const [cos, sin] = [this.cos[t * half + i], this.sin[t * half + i]];
        floats[x + i] = a * cos - b * sin;
        floats[x + half + i] = b * cos + a * sin;
      }
    }
  }

  // one head looks back from the newest position; a head that is off looks, and takes nothing
  attend(past, l, h, isOff) {
    const { floats, at, config } = this;
    const { n_heads: H, n_kv_heads: G, d_head: D } = config;
    const t = past.length;
    const group = Math.floor(h / (H / G)) * D;
    const q = at.q + h * D;
    const z = at.z + h * D;
    const keys = past.keys[l];
    const values = past.values[l];
    const weights = new Float32Array(t + 1);
    let highest = -Infinity;
    for (let s = 0; s <= t; s++) {
      const k = s * G * D + group;
      let score = 0;
      for (let i = 0; i < D; i++) score += floats[q + i] * keys[k + i];
      weights[s] = score / Math.sqrt(D);
      if (weights[s] > highest) highest = weights[s];
    }
    let sum = 0;
    for (let s = 0; s <= t; s++) sum += weights[s] = Math.exp(weights[s] - highest);
    floats.fill(0, z, z + D);
    for (let s = 0; s <= t; s++) {
      weights[s] /= sum;
      if (isOff) continue;
      const v = s * G * D + group;
      for (let i = 0; i < D; i++) floats[z + i] += weights[s] * values[v + i];
    }
    past.weights[l][h][t] = weights;
  }

  add(size) {
    const { floats, at } = this;
    for (let i = 0; i < size; i++) floats[at.x + i] += floats[at.out + i];
  }

  // multiplications that reading one token at place t takes, with its logits
  work(t) {
    const { n_layers: L, n_heads: H, n_kv_heads: G, d_head: D, d_model: C, d_feedforward: M, vocab_size: V } = this.config;
    return L * (2 * C * (H + G) * D + 3 * C * M + 2 * H * D * (t + 1)) + V * C;
  }
}
