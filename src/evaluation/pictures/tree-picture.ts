import type { TraceStep } from "../../generation/trace.js";
import type { TokenId } from "../../types/token.js";
import { box, svg } from "./svg.js";

const WIDTH = 88;
const HEIGHT = 24;
/** With a line for who proposed the token. */
const TALL = 34;
const GAP_X = 28;
const GAP_Y = 8;

/**
 * One speculative step as SVG: the tree from left to right, what was accepted, and what a side branch foresaw; who
 * proposed each token, where several did.
 * @param textOf the text of a token
 */
export function treePicture({ tree, path, foreseen }: TraceStep, textOf: (token: TokenId) => string): string {
  const { tokens, parents, sources } = tree;
  const several = new Set(sources?.slice(1)).size > 1;
  const height = several ? TALL : HEIGHT;
  const depth = tokens.map(() => 0);
  const line = tokens.map(() => 0);
  let lines = 0;
  tokens.forEach((_, node) => {
    if (node === 0) return;
    depth[node] = depth[parents[node]] + 1;
    // Rows stand depth first: a node goes on its parent's line when it is the first child, else begins a new one.
    line[node] = parents[node] === node - 1 ? line[node - 1] : ++lines;
  });
  const kindOf = (node: number) => {
    if (node === 0) return "root";
    if (path.includes(node)) return "accepted";
    return foreseen.includes(node) ? "foreseen" : "rejected";
  };
  const x = (node: number) => 8 + depth[node] * (WIDTH + GAP_X);
  const y = (node: number) => 8 + line[node] * (height + GAP_Y);
  const edges = tokens.slice(1).map((_, i) => {
    const [node, parent] = [i + 1, parents[i + 1]];
    const right = path.includes(node) ? ' class="accepted"' : "";
    return `<line${right} x1="${x(parent) + WIDTH}" y1="${y(parent) + height / 2}" x2="${x(node)}" y2="${y(node) + height / 2}"/>`;
  });
  const boxes = tokens.map((token, node) =>
    box(x(node), y(node), WIDTH, height, textOf(token), kindOf(node), several ? sources?.[node] : undefined),
  );
  const deepest = Math.max(...depth);
  return svg(
    `A step that proposed ${tokens.length - 1} tokens and accepted ${path.length - 1}`,
    { width: 16 + (deepest + 1) * WIDTH + deepest * GAP_X, height: 16 + (lines + 1) * (height + GAP_Y) },
    edges.join("") + boxes.join(""),
    [
      ["root", "last committed token"],
      ["accepted", "accepted"],
      ["foreseen", "right, on a side branch: read again"],
      ["rejected", "rejected"],
    ],
  );
}
