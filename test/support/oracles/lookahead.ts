import type { TokenId } from "../../../src/types/token.js";
import type { ChainReader } from "./chain-reader.js";
import { type OracleOf, roomOf, type TokenPath, treeOf } from "./proposal.js";

export interface LookaheadShape {
  W: number;
  N: number;
  G: number;
  poolFromPrompt: boolean;
}

/**
 * Lookahead decoding as the reference describes it: levels of guesses in plain arrays, every row's prediction read from
 * the prefix and what the row sees as one chain, n-grams in lists that keep the G used last.
 */
export function lookaheadOracle(reader: ChainReader, { W, N, G, poolFromPrompt }: LookaheadShape): OracleOf {
  return (prompt) => {
    // Any first guesses do; these are the product's.
    let levels = [Array.from({ length: W + N - 3 }, (_, column) => prompt[(column * 7919 + 13) % prompt.length])];
    const pool = new Map<TokenId, TokenPath[]>();
    const add = (first: TokenId, rest: TokenPath) => {
      const others = (pool.get(first) ?? []).filter((other) => other.join() !== rest.join());
      pool.set(first, [rest, ...others].slice(0, G));
    };
    if (poolFromPrompt) for (let i = 0; i + N <= prompt.length; i++) add(prompt[i], prompt.slice(i + 1, i + N));

    /** Level l, column r sees level 0 up to column r (column 0 is the input) and column r of levels 1 to l. */
    const seen = (l: number, r: number): TokenPath =>
      l === 0 ? levels[0].slice(0, r) : [...levels[0].slice(0, r), ...levels.slice(1, l + 1).map((level) => level[r])];
    const rows = () => levels.flatMap((level, l) => level.map((_, i) => seen(l, l === 0 ? i + 1 : i)));

    return {
      async expected(moment) {
        const { nodes, depth } = roomOf(moment);
        const all = [...moment.text, ...moment.foreseen];
        const paths = new Map<string, TokenPath>();
        for (const guess of pool.get(all.at(-1)!) ?? []) {
          for (let length = 1; length <= Math.min(depth, guess.length); length++) {
            const path = [...moment.foreseen, ...guess.slice(0, length)];
            if (paths.size < nodes) paths.set(path.join(), paths.get(path.join()) ?? path);
          }
        }
        const window = moment.budget === 0 ? [] : rows().map((path) => [...moment.foreseen, ...path]);
        return [{ ...treeOf(moment, [...paths.values()]), window }];
      },
      async learn({ text, foreseen, budget }) {
        if (budget === 0) return;
        const last = levels.length - 1;
        const warmingUp = levels.length < N - 1;
        const columns = last === 0 ? levels[0].length + 1 : levels[last].length;
        const predicted: TokenId[] = [];
        for (let r = 0; r < columns; r++) {
          predicted.push(...(await reader.likeliest([...text, ...foreseen, ...seen(last, r)], 1)));
        }
        const moved = levels.map((level) => level.slice(1));
        if (warmingUp) {
          levels = [...moved, predicted.slice(1)];
          return;
        }
        const inputs = [...text, ...foreseen].slice(-1).concat(levels[0]);
        predicted.forEach((token, r) => {
          add(inputs[r], [...levels.slice(1).map((level) => level[r]), token]);
        });
        const [, ...rest] = [...levels, predicted];
        levels = [rest[0].slice(1), ...rest.slice(1)];
      },
    };
  };
}
