import { TUPLE_END } from "./token-rewriting.js";

// The syntax tree that @huggingface/jinja's parser gives, as far as it is read here. Its own types are not exported.

export interface Identifier {
  type: "Identifier";
  value: string;
}

export interface KeywordArgument {
  type: "KeywordArgumentExpression";
  key: Identifier;
  value: Expression;
}

export interface Call {
  type: "CallExpression";
  callee: Expression;
  args: Argument[];
}

export interface Slice {
  type: "SliceExpression";
  start?: Expression;
  stop?: Expression;
  step?: Expression;
}

export interface Select {
  type: "SelectExpression";
  lhs: Expression;
  test: Expression;
}

export interface TupleLiteral {
  type: "TupleLiteral";
  value: Expression[];
}

/** The tuple's elements: a comma at its end is none. */
export function tupleItems({ value }: TupleLiteral): readonly Expression[] {
  const last = value.at(-1);
  return last?.type === "Identifier" && last.value === TUPLE_END ? value.slice(0, -1) : value;
}

export interface Member {
  type: "MemberExpression";
  object: Expression;
  property: Expression | Slice;
  computed: boolean;
}

export type Argument =
  | Expression
  | KeywordArgument
  | { type: "SpreadExpression"; argument: Expression }
  | { type: "KeywordSpreadExpression"; argument: Expression };

export type Expression =
  | Identifier
  | Call
  | Select
  | TupleLiteral
  | Member
  | { type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { type: "StringLiteral"; value: string }
  | { type: "ArrayLiteral"; value: Expression[] }
  | { type: "ObjectLiteral"; value: Map<Expression, Expression> }
  | { type: "BinaryExpression"; operator: { value: string }; left: Expression; right: Expression }
  | { type: "UnaryExpression"; operator: { value: string }; argument: Expression }
  | { type: "FilterExpression"; operand: Expression; filter: Identifier | Call }
  | { type: "TestExpression"; operand: Expression; negate: boolean; test: Identifier }
  | { type: "Ternary"; condition: Expression; trueExpr: Expression; falseExpr: Expression };

export type Parameter = Identifier | KeywordArgument;

export interface For {
  type: "For";
  loopvar: Expression;
  iterable: Expression;
  body: Statement[];
  defaultBlock: Statement[];
}

export interface SetStatement {
  type: "Set";
  assignee: Expression;
  value: Expression | null;
  body: Statement[];
}

export interface If {
  type: "If";
  test: Expression;
  body: Statement[];
  alternate: Statement[];
}

export interface Macro {
  type: "Macro";
  name: Identifier;
  args: Parameter[];
  body: Statement[];
}

export interface CallStatement {
  type: "CallStatement";
  call: Call;
  callerArgs: Parameter[] | null;
  body: Statement[];
}

export type Statement =
  | Expression
  | For
  | SetStatement
  | If
  | Macro
  | CallStatement
  | { type: "FilterStatement"; filter: Identifier | Call; body: Statement[] }
  | { type: "Break" | "Continue" | "Comment" };
