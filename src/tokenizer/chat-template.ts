import { isObject } from "../files/json.js";
import { TokenizerError, UsageError } from "../types/errors.js";
import { checkOptions } from "../types/option-table.js";
import { oneLine, shown } from "../types/shown.js";
import type { ChatMessage, ChatTemplateOptions } from "./chat-message.js";
import { CHAT_OPTIONS } from "./chat-options.js";
import { markFinalMessage, REASONING_FIELDS } from "./continue-final-message.js";
import { Template } from "./jinja/template.js";
import { TemplateError } from "./jinja/template-error.js";
import { hasMarks, type MarkedChat, newMarks, withoutMarks } from "./marked-chat.js";

/** Variables of a template that options set, or messages. */
const OWN_VARIABLES: readonly string[] = ["messages", "tools", "documents", "add_generation_prompt"];

/** Longest piece of a template's own words that an error repeats. */
const SHOWN_CHARACTERS = 300;

/** Compiled templates that are kept: a model has two or three. */
const KEPT = 8;

/** A tokenizer's chat templates. */
export class ChatTemplates {
  private readonly compiled = new Map<string, Template>();

  /**
   * @param templates a template, or several: by name or as a list of `{ name, template }`
   * @param specialTokens variables such as bos_token
   */
  constructor(
    private readonly templates: unknown,
    private readonly specialTokens: Readonly<Record<string, string>>,
  ) {}

  get present(): boolean {
    const { templates } = this;
    return typeof templates === "string" || (typeof templates === "object" && templates !== null);
  }

  /**
   * The conversation as text, as transformers' apply_chat_template gives it.
   * @throws UsageError for wrong messages or options and for what the template refuses, TokenizerError for a template
   *   that cannot be read or goes beyond its limits
   */
  render(messages: readonly ChatMessage[], given: ChatTemplateOptions = {}): string {
    const options = checkTemplateOptions(given);
    const template = this.choose(options);
    return this.rendered(template, this.compile(template), messages, options);
  }

  /** A whole conversation with what of it the assistant wrote; undefined where the template has no marks that say it. */
  renderMarked(messages: readonly ChatMessage[]): MarkedChat | undefined {
    const options = { addGenerationPrompt: false };
    const template = this.choose(options);
    if (!hasMarks(template)) return undefined;
    const marks = newMarks();
    const marking = translate(() => new Template(template, marks));
    return withoutMarks(this.rendered(template, marking, messages, options), marks);
  }

  private rendered(
    template: string,
    compiled: Template,
    messages: readonly ChatMessage[],
    options: Partial<ChatTemplateOptions>,
  ): string {
    const { tools, documents, continueFinalMessage = false, templateVariables } = options;
    const conversation = normalized(messages);
    const field = continueFinalMessage === true ? "content" : continueFinalMessage || undefined;
    const cut = field === undefined ? undefined : markFinalMessage(conversation, field, template);
    const variables = {
      ...this.specialTokens,
      ...templateVariables,
      messages: conversation,
      tools: tools ?? null,
      documents: documents ?? null,
      add_generation_prompt: options.addGenerationPrompt ?? field === undefined,
    };
    const rendered = translate(() => compiled.render(variables));
    return cut ? cut(rendered) : rendered;
  }

  private compile(source: string): Template {
    let template = this.compiled.get(source);
    if (template) return template;
    template = translate(() => new Template(source));
    if (this.compiled.size >= KEPT) this.compiled.clear();
    this.compiled.set(source, template);
    return template;
  }

  /** The template's text: the one asked for, "tool_use" for tools, or "default". */
  private choose({ chatTemplate, tools }: ChatTemplateOptions): string {
    const named = this.named();
    if (chatTemplate !== undefined) {
      const found = named?.get(chatTemplate);
      if (found !== undefined) return found;
      if (/[{\n]/.test(chatTemplate)) return chatTemplate;
      const names = named
        ? `the tokenizer has ${[...named.keys()].sort().join(", ")}`
        : "the tokenizer has no named ones";
      throw new UsageError(`chatTemplate ${shown(chatTemplate)} is no template's name or text: ${names}`);
    }
    if (named) {
      const chosen = (tools ? named.get("tool_use") : undefined) ?? named.get("default");
      if (chosen !== undefined) return chosen;
      const names = [...named.keys()].sort().join(", ");
      throw new UsageError(
        `the tokenizer has several chat templates and no default: give chatTemplate, one of ${names}`,
      );
    }
    if (typeof this.templates === "string") return this.templates;
    throw new UsageError("the tokenizer has no chat template: give the prompt as text, or a template as chatTemplate");
  }

  private named(): Map<string, string> | undefined {
    const { templates } = this;
    if (typeof templates === "string" || templates === undefined || templates === null) return undefined;
    const entries = Array.isArray(templates)
      ? templates.map((entry): [unknown, unknown] => [entry?.name, entry?.template])
      : Object.entries(templates);
    if (entries.length > 0 && entries.every((entry) => entry.every((part) => typeof part === "string"))) {
      return new Map(entries as [string, string][]);
    }
    throw new TokenizerError(
      'the tokenizer\'s chat_template is neither a text nor a list of { "name", "template" }: give one as chatTemplate',
    );
  }
}

function checkTemplateOptions(given: ChatTemplateOptions): Partial<ChatTemplateOptions> {
  const options = checkOptions<ChatTemplateOptions>(CHAT_OPTIONS, given, { of: "the chat template" });
  if (options.addGenerationPrompt && options.continueFinalMessage) {
    throw new UsageError(
      "addGenerationPrompt begins a new message and continueFinalMessage goes on with the last: give one",
    );
  }
  const taken = OWN_VARIABLES.find((name) => Object.hasOwn(options.templateVariables ?? {}, name));
  if (taken) throw new UsageError(`templateVariables may not hold ${taken}: it is an option or argument of its own`);
  return options;
}

/** Copies without null fields, and reasoning under every name that templates read it by. */
function normalized(messages: readonly ChatMessage[]): Record<string, unknown>[] {
  if (!Array.isArray(messages)) throw new UsageError("messages must be a list of { role, content }");
  if (messages.length === 0) throw new UsageError("the conversation is empty: give at least one message");
  return messages.map((message: unknown) => {
    if (!isObject(message)) throw new UsageError("each message must be an object such as { role, content }");
    const fields = Object.fromEntries(
      Object.entries(message).filter(([, value]) => value !== null && value !== undefined),
    );
    const reasoning = REASONING_FIELDS.find((name) => fields[name] !== undefined);
    if (reasoning === undefined) return fields;
    return { thinking: fields[reasoning], ...fields, reasoning_content: fields[reasoning] };
  });
}

/** A template's failure in words for users. */
function translate<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const where = error.line === undefined ? "" : ` (line ${error.line})`;
    const words = oneLine(error.message, SHOWN_CHARACTERS);
    if (error.fault === "raised") throw new UsageError(`the chat template refuses the conversation: ${words}`);
    if (error.fault === "failed") throw new UsageError(`the chat template fails on the conversation: ${words}`);
    if (error.fault === "syntax") throw new TokenizerError(`the chat template is not valid Jinja${where}: ${words}`);
    throw new TokenizerError(`the chat template was stopped${where}: ${words}`);
  }
}
