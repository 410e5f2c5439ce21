import type { MedusaHeads, RankPath } from "../../../src/index.js";
import type { TokenId } from "../../../src/types/token.js";
import type { ChainReader } from "./chain-reader.js";
import { type Moment, type OracleOf, type Proposal, roomOf, type TokenPath, treeOf } from "./proposal.js";

/**
 * Medusa's static tree: the base token, which the target has just named, is the root (or the last foreseen token), and
 * path [a, b] is rank a of head 1, then rank b of head 2. The hidden row is that of the token before the base token.
 */
export function medusaOracle(reader: ChainReader, heads: MedusaHeads, choices: readonly RankPath[]): OracleOf {
  return (prompt) => ({
    async expected(moment) {
      // Before the first pass there is no hidden row.
      if (moment.text.length === prompt.length) return [treeOf(moment, [])];
      const all = [...moment.text, ...moment.foreseen];
      const levels = heads.top(await reader.hidden(all.slice(0, -1)));
      return [fill(moment, choices, (path) => levels[path.length - moment.foreseen.length].ids)];
    },
  });
}

/** EAGLE-2's dynamic tree over Medusa's heads: of all paths of ranks the most probable, when probabilities multiply. */
export function dynamicMedusaOracle(reader: ChainReader, heads: MedusaHeads, size: number): OracleOf {
  return (prompt) => ({
    async expected(moment) {
      if (moment.text.length === prompt.length) return [treeOf(moment, [])];
      const { nodes, depth } = roomOf(moment);
      const all = [...moment.text, ...moment.foreseen];
      const levels = heads.top(await reader.hidden(all.slice(0, -1))).slice(0, depth);
      let above: { path: TokenPath; probability: number }[] = [{ path: moment.foreseen, probability: 1 }];
      const paths: typeof above = [];
      for (const { ids, probabilities } of levels) {
        above = above.flatMap(({ path, probability }) =>
          ids.map((id, rank) => ({ path: [...path, id], probability: probability * probabilities[rank] })),
        );
        paths.push(...above);
      }
      paths.sort((a, b) => b.probability - a.probability);
      const best = paths.slice(0, Math.min(size, nodes));
      return [
        treeOf(
          moment,
          best.map(({ path }) => path),
        ),
      ];
    },
  });
}

/** A Medusa model drafts for another: its own next tokens are the first level, its heads' the levels after it. */
export function draftMedusaOracle(reader: ChainReader, heads: MedusaHeads, choices: readonly RankPath[]): OracleOf {
  return () => ({
    async expected(moment) {
      const all = [...moment.text, ...moment.foreseen];
      const own = await reader.likeliest(all, 10);
      const levels = [own, ...heads.top(await reader.hidden(all)).map(({ ids }) => ids)];
      return [fill(moment, choices, (path) => levels[path.length - moment.foreseen.length])];
    },
  });
}

/** Token recycling: a table of the likeliest successors that rows of earlier trees named, each row read as a chain. */
export function recyclingOracle(reader: ChainReader, choices: readonly RankPath[], width = 8): OracleOf {
  return () => {
    const successors = new Map<TokenId, TokenId[]>();
    return {
      async expected(moment) {
        return [fill(moment, choices, (path) => successors.get(path.at(-1) ?? moment.text.at(-1)!) ?? [])];
      },
      async learn({ text, foreseen }, { tree }) {
        const met = new Set<TokenId>();
        for (const path of [[], ...tree].filter(({ length }) => length >= foreseen.length)) {
          const all = [...text, ...path];
          const token = all.at(-1)!;
          // Of several rows of a token the first one counts.
          if (!met.has(token)) successors.set(token, await reader.likeliest(all, width));
          met.add(token);
        }
      },
    };
  };
}

/** Gives every choice its token, shorter choices and better ranks first, until the budget is spent. */
function fill(
  moment: Moment,
  choices: readonly RankPath[],
  candidatesAfter: (path: TokenPath) => readonly TokenId[],
): Proposal {
  const { nodes, depth } = roomOf(moment);
  const paths = new Map<string, TokenPath>();
  const ordered = choices
    .filter((choice) => choice.length <= depth)
    .sort((a, b) => a.length - b.length || compareRanks(a, b));
  for (const choice of ordered) {
    const parent = choice.length === 1 ? moment.foreseen : paths.get(choice.slice(0, -1).join());
    const token = parent && candidatesAfter(parent)[choice.at(-1)!];
    if (token !== undefined && paths.size < nodes) paths.set(choice.join(), [...parent!, token]);
  }
  return treeOf(moment, [...paths.values()]);
}

function compareRanks(a: RankPath, b: RankPath): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
