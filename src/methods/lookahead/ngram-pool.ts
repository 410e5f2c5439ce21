import type { TokenId } from "../../types/token.js";

/** N-grams by their first token; for each of these the `size` used last. */
export class NgramPool {
  private readonly byFirst = new Map<TokenId, TokenId[][]>();

  constructor(private readonly size: number) {}

  /** @param rest the tokens after the first */
  add(first: TokenId, rest: readonly TokenId[]): void {
    const known = this.byFirst.get(first) ?? [];
    const at = known.findIndex((other) => other.every((token, i) => token === rest[i]));
    if (at >= 0) known.splice(at, 1);
    known.unshift([...rest]);
    if (known.length > this.size) known.pop();
    this.byFirst.set(first, known);
  }

  /** What may follow a token, the latest first. */
  after(first: TokenId): readonly (readonly TokenId[])[] {
    return this.byFirst.get(first) ?? [];
  }

  copy(): NgramPool {
    const copy = new NgramPool(this.size);
    for (const [first, known] of this.byFirst) copy.byFirst.set(first, [...known]);
    return copy;
  }
}
