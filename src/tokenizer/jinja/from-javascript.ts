import { TemplateError } from "./template-error.js";
import { type Dict, Float, type Value } from "./values.js";

/** Deeper than any message; keeps cycles out. */
const DEPTH = 100;

/** Turns the caller's values into a template's, and counts them. */
export class Converter {
  values = 0;
  characters = 0;

  /** Objects that are not plain data (dates, images, functions) become a text that names their type, as in transformers. */
  convert(value: unknown, depth = 0): Value {
    if (depth > DEPTH) throw new TemplateError("limit", "the conversation nests too deeply: is it circular?");
    this.values++;
    switch (typeof value) {
      case "string":
        this.characters += value.length;
        return value;
      case "number":
        return Number.isInteger(value) ? value : new Float(value);
      case "boolean":
        return value;
      case "bigint":
        return Number(value);
      case "undefined":
        return null;
      case "object":
        if (value === null) return null;
        if (Array.isArray(value)) return Array.from(value, (item) => this.convert(item, depth + 1));
        if (value instanceof Map) return this.dict(value, depth);
        if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Date) break;
        return this.dict(Object.entries(value), depth);
    }
    return `<${typeof value === "object" ? value?.constructor.name : typeof value}>`;
  }

  /** Entries that are undefined are left out, as JSON does. */
  private dict(entries: Iterable<[unknown, unknown]>, depth: number): Dict {
    const dict: Dict = new Map();
    for (const [key, item] of entries) {
      this.characters += String(key).length;
      if (item !== undefined) dict.set(typeof key === "number" ? key : String(key), this.convert(item, depth + 1));
    }
    return dict;
  }
}
