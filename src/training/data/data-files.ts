import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { UsageError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

/** A file of training data: lines of JSON, or plain text. */
export interface DataFile {
  path: string;
  kind: "json lines" | "text";
}

/** Endings of files that are read in a folder; a file that is named itself is text whatever its ending. */
const TEXT_ENDINGS = [".txt", ".text", ".md"];
const LINES_ENDINGS = [".jsonl", ".ndjson"];

/**
 * The files that training data lies in: the file itself, or those of a folder and its folders, in the order of their names.
 * @throws UsageError for what is neither, a folder without such files, and where all are empty
 */
export async function dataFiles(path: string): Promise<DataFile[]> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`the data ${escaped(path)} cannot be read (${error.code}): give a file, or a folder of files`);
  });
  if (!info.isFile() && !info.isDirectory()) {
    throw new UsageError(`the data ${escaped(path)} is neither file nor folder: give a file of text, or of JSON lines`);
  }
  const files = info.isDirectory() ? await filesIn(path) : [fileOf(path)];
  const sizes = await Promise.all(files.map(async (file) => (await stat(file.path)).size));
  if (sizes.every((size) => size === 0)) {
    throw new UsageError(`the data ${escaped(path)} is empty: give some thousand tokens of text`);
  }
  return files;
}

function fileOf(path: string): DataFile {
  const ending = extname(path).toLowerCase();
  if (ending === ".json") {
    throw new UsageError(
      `the data ${escaped(path)} is one JSON value, expected JSON lines: write an object a line (jq -c '.[]') into a .jsonl file`,
    );
  }
  return { path, kind: LINES_ENDINGS.includes(ending) ? "json lines" : "text" };
}

async function filesIn(folder: string): Promise<DataFile[]> {
  const names = await readdir(folder, { recursive: true });
  const visible = names.filter((name) => !name.split(/[\\/]/).some((part) => part.startsWith(".")));
  const known = visible.filter((name) => [...TEXT_ENDINGS, ...LINES_ENDINGS].includes(extname(name).toLowerCase()));
  const paths = known.sort((a, b) => (a < b ? -1 : 1)).map((name) => join(folder, name));
  const regular = await Promise.all(paths.map(async (path) => (await stat(path)).isFile()));
  const files = paths.filter((_, i) => regular[i]).map(fileOf);
  if (files.length > 0) return files;
  throw new UsageError(
    `the data ${escaped(folder)} holds no file that ends in ${[...LINES_ENDINGS, ...TEXT_ENDINGS].join(", ")}`,
  );
}
