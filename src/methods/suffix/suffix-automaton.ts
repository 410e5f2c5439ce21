import type { TokenId } from "../../types/token.js";

/** Where a reader of an automaton is: the state of the longest end of its text that occurs, and that end's length. */
export interface Match {
  state: number;
  length: number;
}

const NONE = -1;

/**
 * The suffix automaton (Blumer et al. 1985) of a growing token sequence: knows every n-gram of it, and where each was
 * seen. `push` takes amortised constant time. States and transitions lie in flat arrays: about 80 bytes a token.
 */
export class SuffixAutomaton {
  private readonly text: number[] = [];
  private readonly lengths = [0];
  private readonly links = [NONE];
  /** Index of the last token of a place where the state's longest sequence stands: the latest known one. */
  private readonly ends = [NONE];
  private readonly transitions = new Transitions();
  private last = 0;
  /** The longest end of the text that occurs earlier, and where. */
  private repeated: Match & { end: number } = { state: 0, length: 0, end: NONE };

  /** The sequence so far. */
  get tokens(): readonly TokenId[] {
    return this.text;
  }

  push(token: TokenId): void {
    const { lengths, links, ends, transitions } = this;
    const end = this.text.push(token) - 1;
    const state = this.addState(lengths[this.last] + 1, 0, end);
    let p = this.last;
    while (p !== NONE && transitions.get(p, token) === NONE) {
      transitions.set(p, token, state);
      p = links[p];
    }
    if (p !== NONE) {
      const q = transitions.get(p, token);
      links[state] = lengths[p] + 1 === lengths[q] ? q : this.split(p, q, token);
    }
    this.last = state;
    const link = links[state];
    this.repeated = { state: link, length: lengths[link], end: ends[link] };
    if (link !== 0) ends[link] = end;
  }

  /** The longest end of the text that occurs earlier in it, and where the last token of that occurrence stands. */
  longestRepeated(): Readonly<Match & { end: number }> {
    return this.repeated;
  }

  /** Reads one more token: follows the longest end of the reader's text that occurs here. */
  advance(match: Match, token: TokenId): Match {
    let { state, length } = match;
    while (state !== NONE) {
      const next = this.transitions.get(state, token);
      if (next !== NONE) return { state: next, length: length + 1 };
      state = this.links[state];
      length = state === NONE ? 0 : this.lengths[state];
    }
    return { state: 0, length: 0 };
  }

  /** Up to `count` tokens that follow a place where the match stands. */
  following(match: Match, count: number, end = this.ends[match.state]): TokenId[] {
    return match.length === 0 ? [] : this.text.slice(end + 1, end + 1 + count);
  }

  /** A state for the sequences that end in q's but are as short as p's with one token more. */
  private split(p: number, q: number, token: TokenId): number {
    const { lengths, links, ends, transitions } = this;
    const clone = this.addState(lengths[p] + 1, links[q], ends[q]);
    transitions.copy(q, clone);
    for (let r = p; r !== NONE && transitions.get(r, token) === q; r = links[r]) transitions.set(r, token, clone);
    links[q] = clone;
    return clone;
  }

  private addState(length: number, link: number, end: number): number {
    this.lengths.push(length);
    this.links.push(link);
    this.ends.push(end);
    return this.transitions.addState();
  }
}

/** Transitions of all states in one open-addressing hash table; a state's own are chained so that they can be copied. */
class Transitions {
  private slots = new Int32Array(1 << 10).fill(NONE);
  /** For each transition: state it leaves, token, state it enters, the state's next transition. */
  private entries = new Int32Array(4 << 9);
  private count = 0;
  private readonly heads = [NONE];

  addState(): number {
    return this.heads.push(NONE) - 1;
  }

  get(state: number, token: TokenId): number {
    const entry = this.slots[this.slotOf(state, token)];
    return entry === NONE ? NONE : this.entries[4 * entry + 2];
  }

  set(state: number, token: TokenId, target: number): void {
    const slot = this.slotOf(state, token);
    const known = this.slots[slot];
    if (known !== NONE) {
      this.entries[4 * known + 2] = target;
      return;
    }
    if (4 * this.count === this.entries.length) this.grow();
    const entry = this.count++;
    this.entries.set([state, token, target, this.heads[state]], 4 * entry);
    this.heads[state] = entry;
    this.slots[this.slotOf(state, token)] = entry;
  }

  copy(from: number, to: number): void {
    for (let entry = this.heads[from]; entry !== NONE; entry = this.entries[4 * entry + 3]) {
      this.set(to, this.entries[4 * entry + 1], this.entries[4 * entry + 2]);
    }
  }

  /** The slot that holds the transition, or the free one where it belongs. */
  private slotOf(state: number, token: TokenId): number {
    const mask = this.slots.length - 1;
    let slot = Math.imul(Math.imul(state, 0x9e3779b1) ^ token, 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & mask;
    for (;;) {
      const entry = this.slots[slot];
      if (entry === NONE || (this.entries[4 * entry] === state && this.entries[4 * entry + 1] === token)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Doubles both tables; slots stay at most half full. */
  private grow(): void {
    const entries = new Int32Array(2 * this.entries.length);
    entries.set(this.entries);
    this.entries = entries;
    this.slots = new Int32Array(2 * this.slots.length).fill(NONE);
    for (let entry = 0; entry < this.count; entry++) {
      this.slots[this.slotOf(entries[4 * entry], entries[4 * entry + 1])] = entry;
    }
  }
}
