import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chartsOf, type LogEntry } from "./curves.js";

/** A page that needs nothing else: the curves of a log, drawn by uPlot, which is in it. */
export function curvesPage(title: string, entries: readonly LogEntry[]): string {
  const library = createRequire(import.meta.url);
  const part = (name: string) => readFileSync(library.resolve(`uplot/dist/${name}`), "utf8");
  // Nothing in a script may look like its end.
  const data = JSON.stringify(chartsOf(entries)).replaceAll("<", "\\u003c");
  return [
    "<!doctype html>",
    `<html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>`,
    `<style>${part("uPlot.min.css")}${STYLE}</style>`,
    `<h1>${escaped(title)}</h1>`,
    '<p>Steps from left to right. Drag to look closer, double click to go back; a click on a name hides its line.</p><main id="charts"></main>',
    `<script>${part("uPlot.iife.min.js")}</script>`,
    `<script id="data" type="application/json">${data}</script>`,
    `<script>${DRAW}</script>`,
    "</html>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char]!);
}

const STYLE =
  "body{font:14px system-ui,sans-serif;margin:24px;color:#1f2328;background:#fff}h1{font-size:20px}" +
  "main{display:flex;flex-wrap:wrap;gap:24px}.u-title{font-size:14px}";

/** Runs in the reader's browser. */
const DRAW = `
const COLOURS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#cf222e", "#9a6700", "#0550ae", "#6e7781"];
for (const { title, steps, lines } of JSON.parse(document.getElementById("data").textContent)) {
  const series = lines.map(({ name }, i) => ({ label: name, stroke: COLOURS[i % COLOURS.length], width: 1.5, points: { show: steps.length < 30 } }));
  new uPlot(
    { title, width: 520, height: 280, scales: { x: { time: false } }, series: [{ label: "step" }, ...series] },
    [steps, ...lines.map(({ values }) => values)],
    document.getElementById("charts"),
  );
}
`;
