/** A letter of the Latin alphabet that a letter beyond ASCII folds to: U+017F is an s, U+212A a k. */
const BEYOND_ASCII: Readonly<Record<string, string>> = { s: "\u017f", S: "\u017f", k: "\u212a", K: "\u212a" };
/** Letters whose case can change. */
const CASED = /\p{Changes_When_Casemapped}/u;

/**
 * Rewrites case-insensitive groups, `(?i:...)` and `(?i)...`, so that each letter stands with its other cases, those
 * beyond ASCII too. What the library does itself, it does for ASCII alone.
 * @param translate compiles a class such as [a-z]
 */
export function foldGroups(source: string, translate: (source: string) => RegExp): string {
  if (!source.includes("(?i")) return source;
  let out = "";
  const groups: { folds: boolean; closing: string }[] = [{ folds: false, closing: "" }];
  for (let i = 0; i < source.length; ) {
    const group = groups.at(-1)!;
    const piece = nextPiece(source, i);
    i += piece.length;
    if (piece === "(?i)") {
      out += "(?i:";
      groups[groups.length - 1] = { folds: true, closing: `${group.closing})` };
    } else if (piece === "(") {
      const folds = group.folds || source.startsWith("?i:", i);
      groups.push({ folds, closing: "" });
      out += piece;
    } else if (piece === ")" && groups.length > 1) {
      out += group.closing + piece;
      groups.pop();
    } else out += group.folds ? folded(piece, translate) : piece;
  }
  return out + groups[0].closing;
}

/** The next escape, class, group mark or character. */
function nextPiece(source: string, at: number): string {
  const rest = source.slice(at);
  if (rest.startsWith("(?i)")) return "(?i)";
  if (rest[0] === "\\") return /^\\(?:[pPxu]\{[^}]*\}|x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|.)/su.exec(rest)?.[0] ?? "\\";
  if (rest[0] !== "[") return String.fromCodePoint(rest.codePointAt(0)!);
  let depth = 0;
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === "\\") i++;
    else if (rest[i] === "[") depth++;
    else if (rest[i] === "]" && --depth === 0) return rest.slice(0, i + 1);
  }
  return rest;
}

function folded(piece: string, translate: (source: string) => RegExp): string {
  if (piece[0] === "[") return foldedClass(piece, translate);
  if (piece in BEYOND_ASCII) return `[${piece}${BEYOND_ASCII[piece]}]`;
  if (piece.codePointAt(0)! < 0x80) return piece;
  const cases = casesOf(piece);
  return cases.length > 1 ? `[${cases.join("")}]` : piece;
}

/** The class with the other cases of what it holds. */
function foldedClass(piece: string, translate: (source: string) => RegExp): string {
  const negated = piece.startsWith("[^");
  const holds = new RegExp(`^${translate(negated ? `[${piece.slice(2)}` : piece).source}$`, "u");
  let missing = "";
  for (const cases of casedLetters().values()) {
    if (cases.some((letter) => holds.test(letter))) missing += cases.filter((letter) => !holds.test(letter)).join("");
  }
  return `${piece.slice(0, -1)}${missing}]`;
}

/** A letter and those that differ from it by case alone. */
function casesOf(letter: string): readonly string[] {
  return casedLetters().get(foldOf(letter)) ?? [letter];
}

/** What letters have in common that differ by case alone. The Turkish i's are not those of other languages. */
function foldOf(letter: string): string {
  const upper = letter === "\u0131" || letter.toUpperCase().length > letter.length ? letter : letter.toUpperCase();
  return upper.toLowerCase().length > upper.length ? upper : upper.toLowerCase();
}

let letters: Map<string, string[]> | undefined;

/** Letters with cases by what they have in common, once a pattern needs them. They end before U+1E944. */
function casedLetters(): ReadonlyMap<string, string[]> {
  if (letters) return letters;
  letters = new Map();
  for (let code = 0; code < 0x1e944; code++) {
    const letter = String.fromCodePoint(code);
    if (!CASED.test(letter)) continue;
    const fold = foldOf(letter);
    const known = letters.get(fold);
    if (known) known.push(letter);
    else letters.set(fold, [letter]);
  }
  return letters;
}
