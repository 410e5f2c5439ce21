/** Text for use inside SVG. White space is shown, so that tokens can be told apart. */
export function svgText(text: string): string {
  const shown = text.replace(/\n/g, "\\n").replace(/ /g, "\u00b7");
  return shown.replace(/[&<>"]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char]!);
}

/** A box with a centred label, and a small note in its lower part. */
export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  label: string,
  kind: string,
  note?: string,
): string {
  const line = (at: number, text: string, rest: string) =>
    `<text class="${kind}" x="${x + width / 2}" y="${at}" text-anchor="middle"${rest}>${svgText(text)}</text>`;
  const rect = `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>`;
  if (note === undefined) return rect + line(y + height / 2 + 4, label, "");
  return rect + line(y + height / 2 - 1, label, "") + line(y + height - 5, note, ' font-size="9"');
}

/** A whole picture with its legend below. `title` is what screen readers say. */
export function svg(
  title: string,
  { width, height }: { width: number; height: number },
  body: string,
  legend: readonly [kind: string, label: string][],
): string {
  let x = 8;
  const entries = legend.map(([kind, label]) => {
    const entry = `<rect class="${kind}" x="${x}" y="${height + 4}" width="14" height="14" rx="3"/><text class="legend" x="${x + 20}" y="${height + 16}">${svgText(label).replace(/\u00b7/g, " ")}</text>`;
    x += 40 + label.length * 7;
    return entry;
  });
  const total = Math.max(width, x);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${height + 28}" viewBox="0 0 ${total} ${height + 28}" font-family="ui-monospace, monospace" font-size="12"><title>${svgText(title).replace(/\u00b7/g, " ")}</title><style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>${body}${entries.join("")}</svg>\n`;
}

const STYLE = [
  "rect{stroke:#57606a;stroke-width:1}",
  "rect.root{fill:#eaeef2}",
  "rect.accepted{fill:#aceebb}",
  "rect.foreseen{fill:#d8f5c0;stroke-dasharray:4 2}",
  "rect.rejected{fill:#fff}",
  "rect.window{fill:#ddf4ff}",
  "rect.new{fill:#fff8c5}",
  "rect.guess{fill:#fbefff}",
  "text.rejected{fill:#8c959f}",
  "line{stroke:#8c959f}",
  "line.accepted{stroke:#1a7f37;stroke-width:2}",
].join("");
