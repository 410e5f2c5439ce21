import { describe, expect, it } from "vitest";
import { type ChatMessage, type ChatTemplateOptions, ForetokenError } from "../../../src/index.js";
import { ChatTemplates } from "../../../src/tokenizer/chat-template.js";
import { readJson } from "../../support/models.js";

interface Conversation {
  messages: ChatMessage[];
  tools?: object[];
  documents?: object[];
  variables?: Record<string, unknown>;
  options?: { add_generation_prompt?: boolean; continue_final_message?: boolean };
}

interface Result {
  text?: string;
  error?: string;
}

const oracle = readJson<{
  special_tokens: Record<string, string>;
  conversations: Record<string, Conversation>;
  chats: Record<string, { template: string; results: Record<string, Result> }>;
  plain: Conversation;
  expressions: (Result & { template: string })[];
  errors: (Result & { template: string })[];
}>("test/oracle/chat-templates/oracle.json");

function render(template: unknown, { messages, tools, documents, variables, options }: Conversation): string {
  return new ChatTemplates(template, oracle.special_tokens).render(messages, {
    tools,
    documents,
    templateVariables: variables,
    addGenerationPrompt: options?.add_generation_prompt,
    continueFinalMessage: options?.continue_final_message,
  });
}

describe.each(Object.entries(oracle.chats))("the template %s", (_, { template, results }) => {
  it.each(Object.entries(results))("says what transformers says to: %s", (name, { text }) => {
    const conversation = oracle.conversations[name];
    if (text === undefined) expect(() => render(template, conversation)).toThrow(ForetokenError);
    else expect(render(template, conversation)).toBe(text);
  });
});

describe("expressions", () => {
  it.each(oracle.expressions.map(({ template, text }) => [template, text]))("%s", (template, text) => {
    expect(render(template, oracle.plain)).toBe(text);
  });

  it.each(oracle.errors.map(({ template }) => template))("%s is an error, as in transformers", (template) => {
    expect(() => render(template, oracle.plain)).toThrow(ForetokenError);
  });
});

describe("messages of errors", () => {
  const message = (template: unknown, options?: ChatTemplateOptions, messages: unknown = oracle.plain.messages) => {
    try {
      return new ChatTemplates(template, {}).render(messages as ChatMessage[], options);
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  };

  it.each([
    [
      "{{ raise_exception('only\nusers\x1b[31m') }}",
      "UsageError: the chat template refuses the conversation: only users\\u001b[31m",
    ],
    [
      "a\nb {{ 'x }}",
      "TokenizerError: the chat template is not valid Jinja (line 2): a text that begins with ' is not closed",
    ],
    ["\n\n{% if %}", "TokenizerError: the chat template is not valid Jinja (line 3): Unexpected token: CloseStatement"],
    [
      "{% if x %}\n",
      "TokenizerError: the chat template is not valid Jinja (line 1): a block or an expression is not closed",
    ],
    [
      "{{ messages.nothing.more }}",
      "UsageError: the chat template fails on the conversation: 'list object' has no attribute 'nothing'",
    ],
    ["{{ 1 | nofilter }}", "UsageError: the chat template fails on the conversation: No filter named 'nofilter'."],
    [
      5,
      'TokenizerError: the tokenizer\'s chat_template is neither a text nor a list of { "name", "template" }: give one as chatTemplate',
    ],
    [
      undefined,
      "UsageError: the tokenizer has no chat template: give the prompt as text, or a template as chatTemplate",
    ],
  ])("%j", (template, expected) => {
    expect(message(template)).toBe(expected);
  });

  it("name unknown options and wrong shapes", () => {
    expect(message("x", { addGenerationPromt: true } as ChatTemplateOptions)).toContain(
      'Did you mean "addGenerationPrompt"?',
    );
    expect(message("x", { enable_thinking: false } as ChatTemplateOptions)).toContain("templateVariables");
    expect(message("x", { tools: ["f"] } as unknown as ChatTemplateOptions)).toContain("tools must be a list of tools");
    expect(message("x", { templateVariables: { messages: [] } })).toContain("may not hold messages");
    expect(message("x", { addGenerationPrompt: true, continueFinalMessage: true })).toContain("give one");
    expect(message("x", {}, [])).toContain("the conversation is empty");
    expect(message("x", {}, ["hi"])).toContain("each message must be an object");
    const circular: Record<string, unknown> = { role: "user" };
    circular.self = circular;
    expect(message("x", {}, [circular])).toContain("is it circular?");
  });
});

describe("several templates", () => {
  const list = [
    { name: "default", template: "plain" },
    { name: "tool_use", template: "tools" },
  ];
  const chat = (templates: unknown, options?: ChatTemplateOptions) =>
    new ChatTemplates(templates, {}).render(oracle.plain.messages, options);

  it("takes tool_use for tools, the one asked for, or a text", () => {
    expect(chat(list)).toBe("plain");
    expect(chat(list, { tools: [] })).toBe("tools");
    expect(chat({ default: "plain", tool_use: "tools" }, { chatTemplate: "tool_use" })).toBe("tools");
    expect(chat(list, { chatTemplate: "{{ 1 + 1 }}" })).toBe("2");
  });

  it("names them when none is the default, or the one asked for is not there", () => {
    expect(() => chat([{ name: "rag", template: "x" }, list[1]])).toThrow("give chatTemplate, one of rag, tool_use");
    expect(() => chat(list, { chatTemplate: "rag" })).toThrow("the tokenizer has default, tool_use");
  });
});

describe("continueFinalMessage", () => {
  const chat = (template: string, last: Partial<ChatMessage>, field: boolean | string = true) =>
    new ChatTemplates(template, {}).render(
      [
        { role: "user", content: "q" },
        { role: "assistant", ...last },
      ],
      {
        continueFinalMessage: field,
      },
    );
  const template =
    "{% for m in messages %}<{{ m.reasoning_content }}|{{ m.content }}>{% endfor %}{{ add_generation_prompt }}";

  it("ends where the message ends", () => {
    expect(chat(template, { content: "so " })).toBe("<|q><|so ");
    expect(chat(template.replace("m.content", "m.content | trim"), { content: "so " })).toBe("<|q><|so");
    expect(chat(template, { content: "", reasoning: "hm" }, "reasoning")).toBe("<|q><hm");
    const parts = "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}.{% endfor %}";
    expect(
      chat(parts, {
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      }),
    ).toBe(".ab");
  });

  it("refuses what cannot be gone on with", () => {
    expect(() => chat(template, {})).toThrow('the last message has no "content"');
    expect(() => chat("{{ messages[0].content }}", { content: "so" })).toThrow("leaves out or changes");
    expect(() => chat(template, { content: "so", note: "n" }, "note")).toThrow('does not read "note"');
  });
});
