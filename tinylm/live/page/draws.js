// The random numbers of torch.Generator, so that one seed writes one text in the page and in Python.
// The Mersenne Twister MT19937: Matsumoto and Nishimura 1998.

class Draws {
  constructor(seed) {
    const state = (this.state = new Uint32Array(624));
    state[0] = seed >>> 0;
    for (let i = 1; i < 624; i++) {
      state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
    this.at = 624;
  }

  word() {
    const { state } = this;
    if (this.at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    let y = state[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  // as torch.rand(..., dtype=torch.float64): 53 random bits, in [0, 1)
  next() {
    const high = this.word() & 0x1fffff;
    return (high * 2 ** 32 + this.word()) / 2 ** 53;
  }
}

// What tinylm.decoding.probabilities does.
function probabilities(logits, { temperature = 1, topK = 0, topP = 1 } = {}) {
  const p = new Float64Array(logits.length);
  let best = 0;
  for (let i = 1; i < p.length; i++) if (logits[i] > logits[best]) best = i;
  if (temperature === 0) {
    p[best] = 1;
    return p;
  }
  const highest = logits[best];
  for (let i = 0; i < p.length; i++) p[i] = Math.exp((logits[i] - highest) / temperature);
  share(p);
  if (topK && topK < p.length) {
    const least = Float64Array.from(p).sort()[p.length - topK];
    for (let i = 0; i < p.length; i++) if (p[i] < least) p[i] = 0;
    share(p);
  }
  if (topP < 1) {
    let before = 0;
    for (const i of falling(p)) {
      const own = p[i];
      if (before >= topP) p[i] = 0;
      before += own;
    }
    share(p);
  }
  return p;
}

function share(p) {
  let sum = 0;
  for (const one of p) sum += one;
  for (let i = 0; i < p.length; i++) p[i] /= sum;
}

// the places of p, the most probable first
function falling(p) {
  return Array.from(p.keys()).sort((a, b) => p[b] - p[a]);
}

// the places of the n largest of p, without sorting the rest
function largest(p, n) {
  const found = [];
  for (let i = 0; i < p.length; i++) {
    if (found.length === n && p[i] <= p[found[n - 1]]) continue;
    let at = found.length;
    while (at && p[found[at - 1]] < p[i]) at--;
    found.splice(at, 0, i);
    if (found.length > n) found.pop();
  }
  return found;
}

// What tinylm.decoding.choose does: the first token at which the sum so far passes the draw.
function choose(p, draw) {
  let left = draw * p.reduce((sum, one) => sum + one, 0);
  for (let i = 0; i < p.length; i++) if ((left -= p[i]) < 0) return i;
  return p.length - 1;
}
