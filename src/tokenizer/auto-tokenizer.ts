import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isObject } from "../files/json.js";
import { assertPath } from "../files/no-directory.js";
import { TokenizerError } from "../types/errors.js";
import { oneLine } from "../types/shown.js";
import { withLegacyFiles } from "./added-tokens.js";
import { readChatTemplates } from "./chat-files.js";
import { REASON_CHARACTERS } from "./fast-tokenizer.js";
import { Tokenizer, type TokenizerConfig } from "./tokenizer.js";
import type { TokenizerJson } from "./tokenizer-json.js";

export const AutoTokenizer = {
  /**
   * Reads tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json, added_tokens.json,
   * chat_template.jinja and additional_chat_templates/.
   * @throws TokenizerError naming the file
   */
  async fromPretrained(directory: string): Promise<Tokenizer> {
    assertPath(directory, "AutoTokenizer.fromPretrained");
    const path = join(directory, "tokenizer.json");
    const json = await readObject(path);
    if (!json)
      throw new TokenizerError(`${path} does not exist: the checkpoint needs a fast tokenizer's tokenizer.json`);
    const { added_tokens: known } = json;
    const config = withLegacyFiles(
      (await readObject(join(directory, "tokenizer_config.json"))) ?? {},
      await readObject(join(directory, "special_tokens_map.json")),
      await readObject(join(directory, "added_tokens.json")),
      Array.isArray(known) ? known.filter(isObject) : [],
    ) as Record<string, unknown>;
    const templates = await readChatTemplates(directory);
    if (templates !== undefined) config.chat_template = templates;
    return new Tokenizer(json as unknown as TokenizerJson, config as TokenizerConfig, path);
  },
};

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new TokenizerError(`${path} cannot be read (${code})`);
  }
}

async function readObject(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new TokenizerError(
      `${path} is not valid JSON (${oneLine((error as Error).message, REASON_CHARACTERS)}): it is damaged, download it again`,
    );
  }
  throw new TokenizerError(`${path} must hold a JSON object`);
}
