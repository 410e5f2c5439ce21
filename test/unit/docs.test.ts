import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** Pages name files and link to each other; what moves takes them along. */
const filesUnder = (folder: string, end: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(end))
    .map((file) => join(folder, file));
const PAGES = ["README.md", "examples/README.md", "models/README.md", ...filesUnder("docs", ".md")];
const SOURCES = ["src", "test", "bench", "examples", "scripts"].flatMap((folder) =>
  [".ts", ".mjs"].flatMap((end) => filesUnder(folder, end)),
);

/** The page without its blocks of code, which quote commands of the reader's. */
const proseOf = (page: string) => readFileSync(page, "utf8").replace(/^```.*?^```/gms, "");

/** A heading as GitHub makes an anchor of it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
const anchorsOf = (page: string) => [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading));

test.each(PAGES)("links of %s lead somewhere", (page) => {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  const dead = links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, anchor] = link.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    if (!existsSync(file)) return true;
    return anchor !== undefined && statSync(file).isFile() && !anchorsOf(file).includes(anchor);
  });
  expect(dead).toEqual([]);
});

test.each(PAGES)("source files that %s names exist", (page) => {
  const named = [...proseOf(page).matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)].map(([, file]) => file);
  // NAME stands for a name that the reader chooses.
  const missing = named.filter(
    (file) => !file.includes("NAME") && !SOURCES.some((source) => `/${source}`.endsWith(`/${file}`)),
  );
  expect(missing).toEqual([]);
});
