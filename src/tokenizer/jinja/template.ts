import { Budget } from "./budget.js";
import { Converter } from "./from-javascript.js";
import { globals } from "./globals.js";
import type { Statement } from "./nodes.js";
import { Scope } from "./scope.js";
import type { GenerationMarks } from "./segments.js";
import { Renderer } from "./statements.js";
import { parseTemplate } from "./syntax.js";
import { TemplateError } from "./template-error.js";

/**
 * A Jinja template with the meaning that Jinja2 gives it under transformers' settings (ImmutableSandboxedEnvironment,
 * trim_blocks, lstrip_blocks, loop controls). @huggingface/jinja reads the syntax. Its interpreter is not used: it counts
 * no steps, loses what a loop printed before a break, and has JavaScript's equality and texts.
 */
export class Template {
  private readonly statements: Statement[];

  /**
   * @param marks what the generation tag prints. Default: nothing
   * @throws TemplateError
   */
  constructor(source: string, marks?: GenerationMarks) {
    this.statements = parseTemplate(source, marks);
  }

  /**
   * @param variables data as JSON has it; null is None, and undefined leaves a variable out
   * @throws TemplateError within a second and 200 MB, whatever the template does
   */
  render(variables: Readonly<Record<string, unknown>>): string {
    const converter = new Converter();
    const values = Object.entries(variables)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, converter.convert(value)] as const);
    const budget = new Budget(converter);
    const scope = new Scope(globals(budget));
    for (const [name, value] of values) scope.set(name, value);
    try {
      return new Renderer(budget).text(this.statements, scope);
    } catch (error) {
      // The stack may already have been deep where this was called.
      if (error instanceof RangeError) throw new TemplateError("limit", "it nests too deeply or makes too much text");
      throw error;
    }
  }
}
