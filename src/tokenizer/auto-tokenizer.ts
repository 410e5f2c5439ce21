import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TokenizerError } from "../types/errors.js";
import { readChatTemplates } from "./chat-files.js";
import { Tokenizer, type TokenizerConfig, type TokenizerJson } from "./tokenizer.js";

export const AutoTokenizer = {
  /**
   * Reads tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json, chat_template.jinja and
   * additional_chat_templates/.
   * @throws TokenizerError naming the file
   */
  async fromPretrained(directory: string): Promise<Tokenizer> {
    const path = join(directory, "tokenizer.json");
    const json = await readObject(path);
    if (!json)
      throw new TokenizerError(`${path} does not exist: the checkpoint needs a fast tokenizer's tokenizer.json`);
    if (typeof json.model !== "object" || json.model === null) {
      throw new TokenizerError(`${path} has no "model": is it a Hugging Face tokenizer?`);
    }
    const config = (await readObject(join(directory, "tokenizer_config.json"))) ?? {};
    if (config.added_tokens_decoder === undefined) {
      // Older checkpoints name their special tokens here.
      Object.assign(config, await readObject(join(directory, "special_tokens_map.json")));
    }
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
    throw new TokenizerError(`${path} is not valid JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  throw new TokenizerError(`${path} must hold a JSON object`);
}
