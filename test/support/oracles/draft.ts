import type { LanguageModel } from "../../../src/index.js";
import type { ChainReader } from "./chain-reader.js";
import { chainOf, type OracleOf, roomOf, type TokenPath, treeOf } from "./proposal.js";

/** A draft model's chain: what the draft itself says when it is given the text as a prompt. */
export function draftChainOracle(draft: LanguageModel, length = 4): OracleOf {
  return () => ({
    async expected(moment) {
      const { nodes, depth } = roomOf(moment);
      const prompt = [...moment.text, ...moment.foreseen];
      const options = { ignoreEos: true, speculation: { method: "none" } };
      const maxNewTokens = Math.min(length, nodes, depth);
      return [chainOf(moment, (await draft.generate(prompt, { ...options, maxNewTokens })).tokenIds)];
    },
  });
}

/** A draft model's tree: level by level the likeliest tokens after every node, each node's text read by itself. */
export function draftTreeOracle(reader: ChainReader, widths: readonly number[], length = 4): OracleOf {
  return () => ({
    async expected(moment) {
      const { nodes, depth } = roomOf(moment);
      const paths: TokenPath[] = [];
      let level: TokenPath[] = [moment.foreseen];
      for (let d = 0; d < Math.min(length, depth); d++) {
        const next: TokenPath[] = [];
        for (const path of level) {
          const width = Math.min(widths[Math.min(d, widths.length - 1)], nodes - paths.length - next.length);
          const children = await reader.likeliest([...moment.text, ...path], width);
          next.push(...children.map((token) => [...path, token]));
        }
        paths.push(...next);
        level = next;
      }
      return [treeOf(moment, paths)];
    },
  });
}
