// Byte-level byte-pair encoding, as tinylm.tokens has it from the Rust library.

// GPT-2's way of cutting a text into words; \s of JavaScript is not Unicode's white space
const WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

class BPE {
  // bytes: the id of each of the 256 bytes; merges: left, right and new id of each merge, the first first;
  // specials: the ids of strings that are never cut
  constructor({ bytes, merges, specials }) {
    this.ofByte = bytes;
    this.specials = new Map(Object.entries(specials));
    this.spelling = []; // of each id its bytes
    bytes.forEach((id, byte) => (this.spelling[id] = [byte]));
    this.merges = new Map();
    for (let i = 0; i < merges.length; i += 3) {
      const [left, right, id] = merges.slice(i, i + 3);
      const pair = left * 2 ** 26 + right;
      if (!this.merges.has(pair)) this.merges.set(pair, { rank: i, id });
      this.spelling[id] ??= this.spelling[left].concat(this.spelling[right]);
    }
    for (const [text, id] of this.specials) this.spelling[id] = [...new TextEncoder().encode(text)];
    const escaped = [...this.specials.keys()]
      .sort((a, b) => b.length - a.length)
      .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    this.cut = escaped.length ? new RegExp(`(${escaped.join("|")})`) : null;
    this.known = new Map();
  }

  encode(text) {
    const ids = [];
    for (const part of this.cut ? text.split(this.cut) : [text]) {
      if (this.specials.has(part)) ids.push(this.specials.get(part));
      else for (const word of part.match(WORDS) || []) ids.push(...this.word(word));
    }
    return ids;
  }

  word(word) {
    let ids = this.known.get(word);
    if (ids) return ids;
    ids = Array.from(new TextEncoder().encode(word), (byte) => this.ofByte[byte]);
    for (;;) {
      let first = null;
      let at = 0;
      for (let i = 0; i + 1 < ids.length; i++) {
        const merge = this.merges.get(ids[i] * 2 ** 26 + ids[i + 1]);
        if (merge && (!first || merge.rank < first.rank)) [first, at] = [merge, i];
      }
      if (!first) break;
      ids.splice(at, 2, first.id);
    }
    if (this.known.size < 5000 && word.length < 50) this.known.set(word, ids);
    return ids;
  }

  decode(ids) {
    const bytes = ids.flatMap((id) => this.spelling[id] ?? []);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
  }
}
