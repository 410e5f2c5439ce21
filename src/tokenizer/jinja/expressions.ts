import { applyFilter } from "./apply-filter.js";
import { lookup } from "./attributes.js";
import type { Budget } from "./budget.js";
import { type Argument, type Call, type Expression, type Identifier, type Slice, tupleItems } from "./nodes.js";
import { arithmetic, compare, contains, equal, iterate, truthy } from "./operators.js";
import type { Scope } from "./scope.js";
import { slice } from "./slice.js";
import { fail } from "./template-error.js";
import { applyTest } from "./tests.js";
import { BRACKETS, EMPTY_TUPLE } from "./token-rewriting.js";
import {
  Callable,
  type Dict,
  Float,
  type Keywords,
  Loop,
  numeric,
  Tuple,
  toKey,
  typeName,
  Undefined,
  type Value,
} from "./values.js";

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
  [EMPTY_TUPLE, new Tuple([])],
]);

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]);

/** Evaluates expressions as Jinja2 does, every node counted. */
export class Evaluator {
  constructor(readonly budget: Budget) {}

  evaluate(node: Expression, scope: Scope): Value {
    this.budget.step();
    this.budget.enter();
    const value = this.value(node, scope);
    this.budget.leave();
    return value;
  }

  /** Positional and keyword arguments of a call. */
  arguments(nodes: readonly Argument[], scope: Scope): { args: Value[]; keywords: Map<string, Value> } {
    const args: Value[] = [];
    const keywords = new Map<string, Value>();
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression") {
        keywords.set(node.key.value, this.evaluate(node.value, scope));
      } else if (node.type === "SpreadExpression") {
        for (const item of iterate(this.evaluate(node.argument, scope), this.budget)) args.push(item);
      } else if (node.type === "KeywordSpreadExpression") {
        const dict = this.evaluate(node.argument, scope);
        if (!(dict instanceof Map)) fail(`argument after ** must be a dict, not ${typeName(dict)}`);
        for (const [key, value] of dict) keywords.set(String(key), value);
      } else {
        args.push(this.evaluate(node, scope));
      }
    }
    return { args, keywords };
  }

  call(callee: Value, args: Value[], keywords: Keywords): Value {
    if (callee instanceof Undefined) fail(callee.hint);
    if (callee instanceof Loop) return callee.again(args[0]);
    if (!(callee instanceof Callable)) return fail(`a ${typeName(callee)} cannot be called`);
    return callee.call(args, keywords);
  }

  filter(value: Value, filter: Identifier | Call, scope: Scope): Value {
    if (filter.type === "Identifier") return applyFilter(filter.value, value, [], new Map(), this.budget);
    if (filter.callee.type !== "Identifier") return fail("a filter must be a name");
    const { args, keywords } = this.arguments(filter.args, scope);
    const name = filter.callee.value;
    const test = /^is (not )?(.*)$/.exec(name);
    if (!test) return applyFilter(name, value, args, keywords, this.budget);
    return applyTest(test[2], value, args, this.budget) !== (test[1] !== undefined);
  }

  private value(node: Expression, scope: Scope): Value {
    switch (node.type) {
      case "Identifier":
        return this.variable(node.value, scope);
      case "StringLiteral":
      case "IntegerLiteral":
        return node.value;
      case "FloatLiteral":
        return new Float(node.value);
      case "ArrayLiteral":
        return this.list(node.value, scope);
      case "TupleLiteral":
        return new Tuple(this.list(tupleItems(node), scope));
      case "ObjectLiteral":
        return this.dict(node.value, scope);
      case "MemberExpression": {
        const object = this.evaluate(node.object, scope);
        const { property } = node;
        if (property.type === "SliceExpression") return this.slice(object, property, scope);
        if (node.computed) return lookup(object, this.evaluate(property, scope), true, this.budget);
        return lookup(object, (property as Identifier).value, false, this.budget);
      }
      case "CallExpression": {
        const callee = this.evaluate(node.callee, scope);
        const { args, keywords } = this.arguments(node.args, scope);
        return this.call(callee, args, keywords);
      }
      case "UnaryExpression":
        return this.unary(node.operator.value, this.evaluate(node.argument, scope));
      case "BinaryExpression":
        if (COMPARISONS.has(node.operator.value)) return this.comparison(node, scope);
        return this.binary(node.operator.value, node.left, node.right, scope);
      case "FilterExpression":
        if (node.filter.type === "Identifier" && node.filter.value === BRACKETS) {
          return this.evaluate(node.operand, scope);
        }
        return this.filter(this.evaluate(node.operand, scope), node.filter, scope);
      case "TestExpression":
        return applyTest(node.test.value, this.evaluate(node.operand, scope), [], this.budget) !== node.negate;
      case "Ternary":
        return this.evaluate(this.condition(node.condition, scope) ? node.trueExpr : node.falseExpr, scope);
      case "SelectExpression":
        if (this.condition(node.test, scope)) return this.evaluate(node.lhs, scope);
        return new Undefined("the inline if-expression was false and has no else");
      default:
        return fail(`${(node as { type: string }).type} is not supported in chat templates`);
    }
  }

  condition(node: Expression, scope: Scope): boolean {
    return truthy(this.evaluate(node, scope));
  }

  private variable(name: string, scope: Scope): Value {
    const value = CONSTANTS.has(name) ? CONSTANTS.get(name) : scope.get(name);
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value;
  }

  private list(nodes: readonly Expression[], scope: Scope): Value[] {
    this.budget.list(nodes.length);
    return nodes.map((node) => this.evaluate(node, scope));
  }

  private dict(entries: ReadonlyMap<Expression, Expression>, scope: Scope): Dict {
    this.budget.list(4 * entries.size);
    const dict: Dict = new Map();
    for (const [key, value] of entries) dict.set(toKey(this.evaluate(key, scope)), this.evaluate(value, scope));
    return dict;
  }

  private slice(object: Value, node: Slice, scope: Scope): Value {
    const bound = (part: Expression | undefined): number | undefined => {
      const value = part === undefined ? null : this.evaluate(part, scope);
      if (value === null) return undefined;
      return typeof value === "number" ? value : fail(`slice indices must be ints, not ${typeName(value)}`);
    };
    return slice(object, bound(node.start), bound(node.stop), bound(node.step), this.budget);
  }

  private unary(operator: string, value: Value): Value {
    if (operator === "not") return !truthy(value);
    if (value instanceof Undefined) fail(value.hint);
    const number = numeric(value) ?? fail(`bad operand type for unary ${operator}: '${typeName(value)}'`);
    const result = operator === "-" ? -number : number;
    return value instanceof Float ? new Float(result) : result + 0;
  }

  private binary(operator: string, leftNode: Expression, rightNode: Expression, scope: Scope): Value {
    const left = this.evaluate(leftNode, scope);
    if (operator === "and") return truthy(left) ? this.evaluate(rightNode, scope) : left;
    if (operator === "or") return truthy(left) ? left : this.evaluate(rightNode, scope);
    return arithmetic(operator, left, this.evaluate(rightNode, scope), this.budget);
  }

  /** As in Python, a < b < c is (a < b) and (b < c). */
  private comparison(node: Binary, scope: Scope): boolean {
    const links: Binary[] = [];
    let first: Expression = node;
    while (first.type === "BinaryExpression" && COMPARISONS.has(first.operator.value)) {
      links.push(first);
      first = first.left;
    }
    let left = this.evaluate(first, scope);
    for (const { operator, right: next } of links.reverse()) {
      const right = this.evaluate(next, scope);
      if (!compared(operator.value, left, right, this.budget)) return false;
      left = right;
    }
    return true;
  }
}

type Binary = Expression & { type: "BinaryExpression" };

function compared(operator: string, left: Value, right: Value, budget: Budget): boolean {
  switch (operator) {
    case "==":
      return equal(left, right, budget);
    case "!=":
      return !equal(left, right, budget);
    case "in":
      return contains(right, left, budget);
    case "not in":
      return !contains(right, left, budget);
    case "<":
      return compare(left, right, budget, operator) < 0;
    case "<=":
      return compare(left, right, budget, operator) <= 0;
    case ">":
      return compare(left, right, budget, operator) > 0;
    default:
      return compare(left, right, budget, operator) >= 0;
  }
}
