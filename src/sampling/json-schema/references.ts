import { shown } from "../../types/shown.js";
import { type Keywords, refuse, type Schema, schemaAt } from "./schema.js";

/** The schema that a `$ref` names: "#", or a JSON pointer after it (RFC 6901). @throws UsageError */
export function referenced(root: Keywords, reference: unknown, place: string): Schema {
  if (typeof reference !== "string" || !/^#(?:\/.*)?$/s.test(reference)) {
    refuse(place, `"$ref" is ${shown(reference)}, expected "#/..." within the schema: put what it names into $defs`);
  }
  let found: unknown = root;
  for (const part of reference.split("/").slice(1)) {
    const name = unescaped(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found =
      typeof found === "object" && found !== null && Object.hasOwn(found, name) ? (found as Keywords)[name] : undefined;
    if (found === undefined) refuse(place, `"$ref" is ${shown(reference)}, which the schema does not have`);
  }
  return schemaAt(found, reference);
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
