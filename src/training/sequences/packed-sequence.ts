import type { TokenId } from "../../types/token.js";

/** Pieces of text one after the other in `length` tokens, with a row of numbers for each token where a teacher gave some. */
export class PackedSequence {
  readonly ids: Int32Array;
  /** Places in the piece. */
  readonly positions: Int32Array;
  /** The number of the token's piece; tokens see their own alone. */
  readonly segments: Int32Array;
  /** 1 where a token counts as a label. What fills the end up does not. */
  readonly labelled: Int32Array;
  /** [length, width] */
  readonly rows: Float32Array;
  /** The four arrays of integers, one after the other. */
  readonly integers: Int32Array;
  used = 0;
  private pieces = 0;

  constructor(
    readonly length: number,
    readonly width: number,
  ) {
    this.integers = new Int32Array(4 * length);
    const part = (i: number) => this.integers.subarray(i * length, (i + 1) * length);
    [this.ids, this.positions, this.segments, this.labelled] = [part(0), part(1), part(2), part(3)];
    this.rows = new Float32Array(length * width);
  }

  get room(): number {
    return this.length - this.used;
  }

  add(tokens: readonly TokenId[], lossMask: readonly boolean[] | undefined, rows: Float32Array): void {
    const at = this.used;
    this.ids.set(tokens, at);
    this.rows.set(rows, at * this.width);
    tokens.forEach((_, t) => {
      this.positions[at + t] = t;
      this.segments[at + t] = this.pieces;
      this.labelled[at + t] = Number(lossMask?.[t] ?? true);
    });
    this.used += tokens.length;
    this.pieces++;
    this.segments.fill(this.pieces, this.used);
  }

  /** The token `ahead` places on, where it is of the same piece and a label; else -100, which counts for nothing. */
  label(at: number, ahead: number): number {
    const to = at + ahead;
    const known = to < this.length && this.segments[to] === this.segments[at] && this.labelled[to] === 1;
    return known ? this.ids[to] : -100;
  }

  clear(): void {
    this.integers.fill(0);
    this.rows.fill(0);
    this.used = 0;
    this.pieces = 0;
  }
}

/** Sequences that are filled at the same time: a piece goes where the least room is left over. */
const OPEN = 8;

/** Packs pieces into sequences, and hands each on when it is full or none has room for a piece. */
export class Packer {
  private readonly open: PackedSequence[];

  constructor(
    length: number,
    width: number,
    private readonly full: (sequence: PackedSequence) => Promise<void>,
  ) {
    this.open = Array.from({ length: OPEN }, () => new PackedSequence(length, width));
  }

  /** @param tokens no more than a sequence takes */
  async add(tokens: readonly TokenId[], lossMask: readonly boolean[] | undefined, rows: Float32Array): Promise<void> {
    const byRoom = this.open.toSorted((a, b) => a.room - b.room);
    let place = byRoom.find(({ room }) => room >= tokens.length);
    if (!place) {
      place = byRoom[0];
      await this.handOn(place);
    }
    place.add(tokens, lossMask, rows);
    if (place.room === 0) await this.handOn(place);
  }

  /** Hands on what is begun. */
  async end(): Promise<void> {
    for (const sequence of this.open) if (sequence.used > 0) await this.handOn(sequence);
  }

  private async handOn(sequence: PackedSequence): Promise<void> {
    await this.full(sequence);
    sequence.clear();
  }
}
