import { LookaheadWindow } from "../../methods/lookahead/window.js";
import { box, svg } from "./svg.js";

const CELL = 44;
const HEIGHT = 26;

/** Lookahead's pass as SVG: the window's levels, each token at the place that it guesses, and what the last level predicts. */
export function windowPicture(width: number, ngram: number, guesses: number): string {
  const window = new LookaheadWindow(width, ngram, (column) => column);
  while (window.warmingUp)
    window.advance(
      0,
      window.rows().read.map(() => 0),
    );
  const rowY = (row: number) => 8 + row * (HEIGHT + 8);
  const cell = (place: number, row: number, label: string, kind: string) =>
    box(8 + place * (CELL + 6), rowY(row), CELL, HEIGHT, label, kind);
  const cells = [cell(0, 0, "input", "root")];
  window.sizes.forEach((size, level) => {
    for (let i = 0; i < size; i++) {
      const column = level === 0 ? i + 1 : i;
      cells.push(cell(level + column, level, `${level},${column}`, "window"));
    }
  });
  const levels = window.sizes.length;
  for (let i = 0; i < width; i++) cells.push(cell(levels + i, levels, `new ${i}`, "new"));
  for (let g = 0; g < guesses; g++) {
    for (let j = 1; j < ngram; j++) cells.push(cell(j, levels + 1 + g, `g${g + 1},${j}`, "guess"));
  }
  const size = { width: 16 + (width + ngram - 1) * (CELL + 6), height: rowY(levels + 1 + guesses) };
  return svg(`Lookahead's pass for W = ${width}, N = ${ngram}, G = ${guesses}`, size, cells.join(""), [
    ["window", "level, column"],
    ["new", "predicted: next level, and n-grams"],
    ["guess", "n-grams to verify"],
  ]);
}
