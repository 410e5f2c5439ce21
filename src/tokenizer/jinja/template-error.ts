/**
 * What went wrong: the template is no Jinja ("syntax"), it called raise_exception ("raised"), a value did not suit
 * ("failed"), it asked for what templates may not have ("unsafe"), or it went beyond its budget ("limit").
 */
export type TemplateFault = "syntax" | "raised" | "failed" | "unsafe" | "limit";

/** A template that cannot be read or rendered. Callers turn it into an error for users. */
export class TemplateError extends Error {
  constructor(
    readonly fault: TemplateFault,
    message: string,
    /** Line of the template, from 1, where known. */
    readonly line?: number,
  ) {
    super(message);
  }
}

export function fail(message: string): never {
  throw new TemplateError("failed", message);
}
