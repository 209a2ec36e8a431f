import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';

// A test that asserts nothing passes whatever the program does. This finds such tests by reading them, because one that
// tries a property only, and throws when it does not hold, has no assertion that tap could count.

const repository = join(import.meta.dirname, '../..');

/** The parts of tap's test object that assert nothing. */
const SILENT: ReadonlySet<string> = new Set([
  ...['test', 'todo', 'skip', 'comment', 'diagnostic', 'plan', 'setTimeout', 'timeout', 'end', 'teardown'],
  ...['before', 'beforeEach', 'after', 'afterEach', 'testdir', 'fixture', 'context', 'name', 'jobs', 'mock'],
]);
/** Helpers that make tests with assertions out of a list. */
const MAKES_TESTS: ReadonlySet<string> = new Set(['runBenchmarks', 'runOpenconnectScenarios', 'tellStoriesTwice']);
/** Names of what throws when a property, or what the journal should hold, is otherwise. */
const PROPERTY = /^(?:fc\.(?:assert|modelRun|asyncModelRun)|assert(?:\.\w+)?|[\w.]+\.journal\.expect\w*)$/;

type Body = ts.ArrowFunction | ts.FunctionExpression;

const isBody = (node: ts.Node | undefined): node is Body =>
  node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));

/** The function of a call of `<test>.test(…)`. */
function bodyOf(call: ts.CallExpression): Body | undefined {
  const { expression, arguments: given } = call;
  if (!ts.isPropertyAccessExpression(expression) || expression.name.text !== 'test') return undefined;
  return given.find(isBody);
}

/** Calls `visit` with each node below this one until it returns true; whether it did. */
function some(node: ts.Node, visit: (node: ts.Node) => boolean): boolean {
  return ts.forEachChild(node, (child) => visit(child) || some(child, visit)) ?? false;
}

/** Names of functions of the file that assert by themselves, such as those that try a property. */
function assertingFunctions(source: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const look = (name: ts.Node | undefined, body: ts.Node | undefined): void => {
    if (name && body && ts.isIdentifier(name) && some(body, (node) => asserts(node, 't', names))) names.add(name.text);
  };
  // Twice: one may call another that comes later.
  for (let round = 0; round < 2; round++) {
    some(source, (node) => {
      if (ts.isFunctionDeclaration(node)) look(node.name, node.body);
      if (ts.isVariableDeclaration(node) && isBody(node.initializer)) look(node.name, node.initializer.body);
      return false;
    });
  }
  return names;
}

/** Whether this is an assertion of the test object `name`, a property, or a call that may do either. */
function asserts(node: ts.Node, name: string, functions: ReadonlySet<string>): boolean {
  if (!ts.isCallExpression(node)) return false;
  const { expression } = node;
  const called = expression.getText();
  if (PROPERTY.test(called) || functions.has(called) || MAKES_TESTS.has(called)) return true;
  if (ts.isPropertyAccessExpression(expression) && expression.expression.getText() === name) {
    return !SILENT.has(expression.name.text);
  }
  return bodyOf(node) === undefined && node.arguments.some((one) => ts.isIdentifier(one) && one.text === name);
}

/** Titles of tests that assert nothing, and whether there are tests at all. */
function judge(path: string, text: string): { tests: number; empty: string[] } {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const functions = assertingFunctions(source);
  const empty: string[] = [];
  let tests = 0;
  some(source, (node) => {
    if (asserts(node, 't', functions)) tests++;
    const body = ts.isCallExpression(node) ? bodyOf(node) : undefined;
    if (body === undefined) return false;
    tests++;
    const name = body.parameters[0]?.name.getText() ?? '';
    const does = (inner: ts.Node): boolean =>
      asserts(inner, name, functions) || (ts.isCallExpression(inner) && bodyOf(inner) !== undefined);
    if (!does(body.body) && !some(body.body, does)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      empty.push(`${path}:${line + 1} ${(node as ts.CallExpression).arguments[0]?.getText()}`);
    }
    return false;
  });
  return { tests, empty };
}

t.test('tests without an assertion are found, and those with one are not', async (t) => {
  const wrong = [
    "t.test('nothing', async () => {});",
    "t.test('only talk', async (t) => { t.comment('hello'); await work(); });",
    "t.test('a set-up', async (t) => { t.teardown(() => {}); t.testdir({}); });",
    "t.test('outer', async (t) => { t.test('inner', async () => { await work(); }); });",
  ];
  for (const text of wrong) t.equal(judge('x.test.ts', text).empty.length, 1, text);
  const right = [
    "t.test('an assertion', async (t) => { t.ok(true); });",
    "t.test('somewhere inside', async (t) => { for (const x of []) if (x) t.equal(x, 1); });",
    "t.test('a property', async () => { fc.assert(fc.property()); });",
    "t.test('a property', async () => fc.assert(fc.property()));",
    "t.test('the journal', async () => { sim.journal.expect({ name: 'x' }); });",
    "t.test('a helper', async (t) => { await check(t, 1); });",
    "const tries = () => { fc.assert(1); }; t.test('a function of the file', async () => { tries(); });",
    "t.test('outer', async (t) => { t.test('inner', async (t) => { t.ok(1); }); });",
    "t.test('by another name', async (test) => test.equal(1, 1));",
  ];
  for (const text of right) t.strictSame(judge('x.test.ts', text).empty, [], text);
  t.equal(judge('x.test.ts', "import t from 'tap'; const a = 1;").tests, 0);
});

t.test('every test file has tests, and every test an assertion', async (t) => {
  const files = globSync('test/**/*.test.ts', { cwd: repository }).map((path) => path.replaceAll('\\', '/'));
  t.ok(files.length > 300, `${files.length} files`);
  const judged = files.map((path) => ({ path, ...judge(path, readFileSync(join(repository, path), 'utf8')) }));
  t.strictSame(
    judged.filter(({ tests }) => tests === 0).map(({ path }) => path),
    [],
    'files without tests',
  );
  t.strictSame(
    judged.flatMap(({ empty }) => empty),
    [],
    'tests without an assertion',
  );
});
