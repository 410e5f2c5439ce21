import { TemplateError } from "./template-error.js";

/** Evaluated nodes, loop turns and 16-character pieces of text looked at: some 0.2 s. A short conversation takes 5,000 with the longest templates. */
const STEPS = 1_000_000;
/** Characters of text made, an element of a list being eight: keeps memory under 100 MB. */
const CHARACTERS = 10_000_000;
/** Of nested expressions, macro calls and values: stays within V8's stack of 984 KB. */
const DEPTH = 400;

/** What one rendering may use. A template comes from strangers: nothing in it may run for ever or fill memory. */
export class Budget {
  private steps: number;
  private characters: number;
  private depth = 0;

  /** @param size values and characters of the conversation, which is the user's and may be as long as he likes */
  constructor(size: { values: number; characters: number }) {
    this.steps = STEPS + 2000 * size.values + 16 * size.characters;
    this.characters = CHARACTERS + 24 * size.characters + 500 * size.values;
  }

  step(count = 1): void {
    this.steps -= count;
    if (this.steps < 0) throw new TemplateError("limit", "it takes too many steps: does it loop without end?");
  }

  /** Before text of this length is looked at. */
  read(length: number): void {
    this.step(1 + (length >> 4));
  }

  /** Before something is done with every character of a text of this length. */
  scan(length: number): void {
    this.step(1 + length);
  }

  /** Before text of this length is made. */
  text(length: number): void {
    this.characters -= length;
    if (!(this.characters >= 0)) throw new TemplateError("limit", "it makes too much text");
    this.step(1 + (length >> 6));
  }

  /** Before a list of this length is made. */
  list(length: number): void {
    this.text(8 * length);
    this.step(length);
  }

  enter(): void {
    if (++this.depth > DEPTH) throw new TemplateError("limit", `it nests deeper than ${DEPTH}`);
  }

  leave(): void {
    this.depth--;
  }
}
