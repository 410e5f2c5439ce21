import type { TokenId } from "../types/token.js";

/**
 * The tokens of one output, prompt first, with the counts that penalties need. Verifiers and drafters push the tokens
 * of a path while they walk it and pop them again.
 */
export class TokenHistory {
  private readonly tokens: TokenId[];
  private readonly promptLength: number;
  /** How often each token stands in the output. */
  private readonly output = new Map<TokenId, number>();
  private readonly prompt: ReadonlySet<TokenId>;

  constructor(prompt: readonly TokenId[]) {
    this.tokens = [...prompt];
    this.promptLength = prompt.length;
    this.prompt = new Set(prompt);
  }

  /** Tokens of prompt and output. */
  get length(): number {
    return this.tokens.length;
  }

  /** Tokens of the output: the position, from 0, of the next one. */
  get newTokens(): number {
    return this.tokens.length - this.promptLength;
  }

  at(index: number): TokenId {
    return this.tokens[index];
  }

  /** The last `count` tokens, oldest first. */
  tail(count: number): TokenId[] {
    return count <= 0 ? [] : this.tokens.slice(-count);
  }

  /** The first `count` tokens. */
  first(count: number): TokenId[] {
    return this.tokens.slice(0, count);
  }

  push(token: TokenId): void {
    this.tokens.push(token);
    this.output.set(token, (this.output.get(token) ?? 0) + 1);
  }

  pop(): void {
    const token = this.tokens.pop()!;
    const count = this.output.get(token)!;
    if (count === 1) this.output.delete(token);
    else this.output.set(token, count - 1);
  }

  /** Does something with the tokens of `path` at the end of the text, and takes them off again, whatever comes. */
  along<T>(path: readonly TokenId[], work: () => T): T {
    for (const token of path) this.push(token);
    let later = false;
    const leave = () => {
      for (let i = 0; i < path.length; i++) this.pop();
    };
    try {
      const result = work();
      if (!(result instanceof Promise)) return result;
      later = true;
      return result.finally(leave) as T;
    } finally {
      if (!later) leave();
    }
  }

  /** Tokens of the output with their counts. */
  get outputCounts(): ReadonlyMap<TokenId, number> {
    return this.output;
  }

  /** Tokens of the prompt, each once. */
  get promptTokens(): ReadonlySet<TokenId> {
    return this.prompt;
  }
}
