import ts from 'typescript';

/** What kind of change a mutant makes; the names in reports. */
export type MutationKind =
  | 'condition'
  | 'comparison'
  | 'logical'
  | 'early exit'
  | 'arithmetic'
  | 'literal'
  | 'statement'
  | 'default'
  | 'method';

/** One change of one source file. */
export interface Mutant {
  /** Path from the repository's root. */
  readonly file: string;
  /** Line of the first changed character, from 1. */
  readonly line: number;
  readonly kind: MutationKind;
  /** Where the replaced text begins and ends, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** The replaced text and what stands there instead, with white space collapsed. */
  readonly from: string;
  readonly to: string;
  /** The line of source that the change begins on, trimmed: what a list names a mutant by while the lines around it move. */
  readonly code: string;
  /** Where in that line it begins, from 0. */
  readonly column: number;
  /** The whole file with the change. */
  readonly text: string;
}

const K = ts.SyntaxKind;

const COMPARISONS: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [K.LessThanToken, '<='],
  [K.LessThanEqualsToken, '<'],
  [K.GreaterThanToken, '>='],
  [K.GreaterThanEqualsToken, '>'],
  [K.EqualsEqualsEqualsToken, '!=='],
  [K.ExclamationEqualsEqualsToken, '==='],
]);

const ARITHMETIC: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [K.PlusToken, '-'],
  [K.MinusToken, '+'],
  [K.AsteriskToken, '/'],
  [K.SlashToken, '*'],
  [K.PercentToken, '*'],
  [K.LessThanLessThanToken, '>>'],
  [K.GreaterThanGreaterThanToken, '<<'],
  [K.GreaterThanGreaterThanGreaterThanToken, '<<'],
  [K.AmpersandToken, '|'],
  [K.BarToken, '&'],
  [K.CaretToken, '|'],
  [K.PlusEqualsToken, '-='],
  [K.MinusEqualsToken, '+='],
]);

const METHODS: ReadonlyMap<string, string> = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
]);

/** Methods whose call may be left out: their result is of the kind that they are called on. */
const OMITTED: ReadonlySet<string> = new Set([
  'filter',
  'trim',
  'toLowerCase',
  'toUpperCase',
  'slice',
  'subarray',
  'sort',
]);

/** Numbers below it are counts and offsets, of which one more is tried; those from it on are limits, which are lifted. */
const LEAST_LIMIT = 16;
const LIFTED_BY = 1000;

const isText = (node: ts.Node): boolean =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateExpression(node) ||
  (ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right)));

const isExit = (node: ts.Statement): boolean =>
  ts.isReturnStatement(node) || ts.isThrowStatement(node) || ts.isContinueStatement(node) || ts.isBreakStatement(node);

/** The expression of a statement that does something: a call, an assignment, a count. */
function acts(expression: ts.Expression): boolean {
  if (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression) || ts.isParenthesizedExpression(expression))
    return acts(expression.expression);
  if (ts.isCallExpression(expression)) return expression.expression.kind !== K.SuperKeyword;
  if (ts.isBinaryExpression(expression)) {
    const operator = expression.operatorToken.kind;
    return operator >= K.FirstAssignment && operator <= K.LastAssignment;
  }
  return (
    ts.isDeleteExpression(expression) ||
    ts.isPrefixUnaryExpression(expression) ||
    ts.isPostfixUnaryExpression(expression)
  );
}

/** A statement that leaves a block inside a function, other than the last of the function itself. */
function leavesEarly(node: ts.Statement): boolean {
  if (!isExit(node)) return false;
  const { parent } = node;
  if (ts.isThrowStatement(node)) return ts.isBlock(parent) || ts.isCaseOrDefaultClause(parent);
  // The whole of an `if` is tried as its condition.
  if (!ts.isBlock(parent)) return false;
  return ts.isIfStatement(parent.parent) || ts.isIterationStatement(parent.parent, false);
}

/** What a number is replaced by. */
function otherNumber(text: string): string {
  const value = Number(text.replaceAll('_', ''));
  if (text.startsWith('0x') || text.startsWith('0b') || value < LEAST_LIMIT) return String(value + 1);
  return String(value * LIFTED_BY);
}

/**
 * Every mutant of a file, in the order of its text: conditions that are always or never true, comparisons with the bound on the other
 * side, operands left out of `&&`, `||` and `??`, early exits and statements deleted, arithmetic turned round, numbers and booleans
 * changed, defaults forgotten, methods left out or swapped. Types are left alone. Each change can be run, and may not pass the type checker.
 */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const mutants = new Map<string, Mutant>();
  const lines = source.split('\n');

  const change = (kind: MutationKind, start: number, end: number, to: string): void => {
    const text = source.slice(0, start) + to + source.slice(end);
    if (text === source || mutants.has(text)) return;
    const { line, character } = tree.getLineAndCharacterOfPosition(start);
    const short = (value: string): string => value.replaceAll(/\s+/g, ' ').trim();
    const code = lines[line]!.trim();
    const column = character - (lines[line]!.length - lines[line]!.trimStart().length);
    mutants.set(text, {
      file,
      line: line + 1,
      kind,
      start,
      end,
      from: short(source.slice(start, end)),
      to,
      code,
      column,
      text,
    });
  };
  const replace = (kind: MutationKind, node: ts.Node, to: string): void =>
    change(kind, node.getStart(tree), node.getEnd(), to);
  const textOf = (node: ts.Node): string => node.getText(tree);

  const binary = (node: ts.BinaryExpression): void => {
    const operator = node.operatorToken;
    const compared = COMPARISONS.get(operator.kind);
    const turned = ARITHMETIC.get(operator.kind);
    if (compared !== undefined) replace('comparison', operator, compared);
    else if (operator.kind === K.AmpersandAmpersandToken || operator.kind === K.BarBarToken) {
      replace('logical', node, textOf(node.left));
      replace('logical', node, textOf(node.right));
    } else if (operator.kind === K.QuestionQuestionToken) {
      replace('default', node, textOf(node.left));
      replace('default', node, textOf(node.right));
    } else if (operator.kind === K.QuestionQuestionEqualsToken) replace('default', operator, '=');
    else if (turned !== undefined && !isText(node)) replace('arithmetic', operator, turned);
  };

  const call = (node: ts.CallExpression): void => {
    if (!ts.isPropertyAccessExpression(node.expression)) return;
    const { name, expression, questionDotToken } = node.expression;
    const other = METHODS.get(name.text);
    if (other !== undefined) replace('method', name, other);
    else if (OMITTED.has(name.text) && questionDotToken === undefined && !ts.isExpressionStatement(node.parent))
      change('method', expression.getEnd(), node.getEnd(), '');
  };

  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
      const condition = ts.isIfStatement(node) ? node.expression : node.condition;
      replace('condition', condition, 'true');
      replace('condition', condition, 'false');
    } else if (ts.isWhileStatement(node)) replace('condition', node.expression, 'false');
    else if (ts.isForStatement(node) && node.condition) replace('condition', node.condition, 'false');
    else if (ts.isBinaryExpression(node)) binary(node);
    else if (ts.isCallExpression(node)) call(node);
    else if (ts.isNumericLiteral(node)) replace('literal', node, otherNumber(textOf(node)));
    else if (node.kind === K.TrueKeyword) replace('literal', node, 'false');
    else if (node.kind === K.FalseKeyword) replace('literal', node, 'true');
    else if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) {
      const whole = ts.isIfStatement(node.parent) || ts.isConditionalExpression(node.parent);
      if (!whole) replace('condition', node, textOf(node.operand));
    } else if (ts.isExpressionStatement(node)) {
      if (acts(node.expression)) replace('statement', node, ';');
    } else if ((ts.isParameter(node) || ts.isBindingElement(node)) && node.initializer) {
      const before = (node as ts.ParameterDeclaration).type ?? node.name;
      change('default', before.getEnd(), node.initializer.getEnd(), '');
    } else if (ts.isStatement(node) && leavesEarly(node)) replace('early exit', node, ';');
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return [...mutants.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}

/** A name for a mutant that stays while the lines around it move. */
export const nameOf = (mutant: Pick<Mutant, 'file' | 'code' | 'column' | 'from' | 'to'>): string =>
  JSON.stringify([mutant.file, mutant.code, mutant.column, mutant.from, mutant.to]);
