import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AutoModelForCausalLM, AutoTokenizer } from "../../../src/index.js";

const MESSAGES = [{ role: "user", content: "Hi" }];
const MODEL = { type: "WordLevel", vocab: { a: 0 }, unk_token: "a" };
const JSON_FILE = {
  model: MODEL,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
};

describe("chat templates in files", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "foretoken-chat-"));
    await write("tokenizer.json", JSON_FILE);
  });

  afterEach(() => rm(folder, { recursive: true }));

  const write = (name: string, value: unknown) =>
    writeFile(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
  const load = () => AutoTokenizer.fromPretrained(folder);

  it("take the place of tokenizer_config.json's", async () => {
    await write("tokenizer_config.json", {
      chat_template: "config",
      bos_token: { content: "<s>" },
      image_token: "<i>",
    });
    expect((await load()).renderChat(MESSAGES)).toBe("config");
    await write("chat_template.jinja", "{{ bos_token }}{{ image_token }}{{ pad_token is defined }}");
    expect((await load()).renderChat(MESSAGES)).toBe("<s><i>False");
  });

  it("go by their names in additional_chat_templates", async () => {
    await mkdir(join(folder, "additional_chat_templates"));
    await write("additional_chat_templates/tool_use.jinja", "tools");
    await write("additional_chat_templates/rag.jinja", "documents");
    const tokenizer = await load();
    expect(() => tokenizer.renderChat(MESSAGES)).toThrow("one of rag, tool_use");
    expect(tokenizer.renderChat(MESSAGES, { tools: [{}] })).toBe("tools");
    await write("chat_template.jinja", "plain");
    expect((await load()).renderChat(MESSAGES)).toBe("plain");
    expect((await load()).renderChat(MESSAGES, { chatTemplate: "rag" })).toBe("documents");
  });

  it("read special_tokens_map.json where the configuration is an old one", async () => {
    await write("special_tokens_map.json", { bos_token: "<old>" });
    await write("chat_template.jinja", "{{ bos_token }}");
    expect((await load()).renderChat(MESSAGES)).toBe("<old>");
    await write("tokenizer_config.json", { bos_token: "<new>", added_tokens_decoder: {} });
    expect((await load()).renderChat(MESSAGES)).toBe("<new>");
  });

  it("are refused when they are no template's size", async () => {
    await write("chat_template.jinja", "x".repeat(2_000_000));
    await expect(load()).rejects.toThrow("has 2000000 bytes");
  });
});

describe("options of generate", () => {
  it("reach the template, and are refused without a conversation", async () => {
    await using model = await AutoModelForCausalLM.fromPretrained("models/draft");
    const chatTemplate =
      "{{ tools | length }} {{ kind }}{% for m in messages %} {{ m.content }}{% endfor %}{{ add_generation_prompt }}";
    const options = {
      chatTemplate,
      tools: [{ type: "function" }],
      templateVariables: { kind: "big" },
      maxNewTokens: 4,
    };
    const ids = (text: string) => model.tokenizer!.encode(text, { addSpecialTokens: false });
    expect(model.promptIds(MESSAGES, options)).toEqual(ids("1 big HiTrue"));
    const chat = await model.generate(MESSAGES, options);
    expect(chat.tokenIds).toEqual((await model.generate(ids("1 big HiTrue"), { maxNewTokens: 4 })).tokenIds);
    const last = [...MESSAGES, { role: "assistant", content: "so" }];
    expect(model.promptIds(last, { ...options, continueFinalMessage: true })).toEqual(ids("1 big Hi so"));
    await expect(model.generate("Hi", { tools: [] })).rejects.toThrow("tools is for conversations");
  });
});
