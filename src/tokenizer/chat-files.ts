import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TokenizerError } from "../types/errors.js";

const FOLDER = "additional_chat_templates";

/** Bytes; the longest templates in use have 40,000. Keeps a huge file out of memory. */
const LARGEST = 1_048_576;

/**
 * The chat templates that a checkpoint holds as files: chat_template.jinja is "default", those in
 * additional_chat_templates/ go by their names. They take the place of tokenizer_config.json's.
 * @returns one text when there is but a default, undefined without files
 * @throws TokenizerError naming the file
 */
export async function readChatTemplates(directory: string): Promise<string | Record<string, string> | undefined> {
  const templates: Record<string, string> = Object.create(null);
  const main = await readTemplate(join(directory, "chat_template.jinja"));
  if (main !== undefined) templates.default = main;
  const folder = join(directory, FOLDER);
  for (const name of (await namesIn(folder)).sort()) {
    if (!name.endsWith(".jinja")) continue;
    const text = await readTemplate(join(folder, name));
    if (text !== undefined) templates[name.slice(0, -".jinja".length)] = text;
  }
  const names = Object.keys(templates);
  if (names.length === 0) return undefined;
  return names.length === 1 && main !== undefined ? main : templates;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new TokenizerError(`${folder} cannot be read (${code})`);
  }
}

async function readTemplate(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST)
      throw new TokenizerError(`${path} has ${size} bytes: no chat template is larger than ${LARGEST}`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof TokenizerError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new TokenizerError(`${path} cannot be read (${code})`);
  }
}
