import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { mutantsOf, nameOf } from '../../scripts/mutation/mutants.ts';
import type { Equivalent } from '../../scripts/mutation/report.ts';
import { sampleOf } from '../../scripts/mutation/sample.ts';

const repository = join(import.meta.dirname, '../..');

/** What each mutant makes of a text, in short. */
const changes = (source: string): string[] =>
  mutantsOf('src/x.ts', source).map(({ kind, from, to }) => `${kind}: ${from} → ${to}`);

t.test('conditions are made true and false, and what they compare is turned', async (t) => {
  t.strictSame(changes('if (a >= 3) go();'), [
    'condition: a >= 3 → true',
    'condition: a >= 3 → false',
    'comparison: >= → >',
    'literal: 3 → 4',
    'statement: go(); → ;',
  ]);
  t.strictSame(changes('const x = a === b ? c : d;'), [
    'condition: a === b → true',
    'condition: a === b → false',
    'comparison: === → !==',
  ]);
  t.strictSame(changes('while (a) b();'), ['condition: a → false', 'statement: b(); → ;']);
  t.strictSame(changes('for (; a; ) b();'), ['condition: a → false', 'statement: b(); → ;']);
  t.strictSame(changes('f(!a);'), ['statement: f(!a); → ;', 'condition: !a → a']);
});

t.test('operands are left out, and defaults forgotten', async (t) => {
  t.strictSame(changes('const x = a && b;'), ['logical: a && b → a', 'logical: a && b → b']);
  t.strictSame(changes('const x = a ?? b;'), ['default: a ?? b → a', 'default: a ?? b → b']);
  t.strictSame(changes('function f(a: number = b) {}'), ['default: = b → ']);
  t.strictSame(changes('const { a = b } = c;'), ['default: = b → ']);
  t.strictSame(changes('a ??= b;'), ['statement: a ??= b; → ;', 'default: ??= → =']);
});

t.test('early exits go, and what a statement does', async (t) => {
  t.strictSame(changes('function f() { for (const a of b) { if (c) continue; return d; } return e; }'), [
    'condition: c → true',
    'condition: c → false',
    'early exit: return d; → ;',
  ]);
  t.strictSame(changes('function f() { throw e; }'), ['early exit: throw e; → ;']);
  t.strictSame(changes('class A extends B { constructor() { super(); delete this.a; } }'), [
    'statement: delete this.a; → ;',
  ]);
  t.strictSame(changes('await a();'), ['statement: await a(); → ;']);
});

t.test('sums are turned round, texts put together are not', async (t) => {
  t.strictSame(changes('const x = a + b;'), ['arithmetic: + → -']);
  t.strictSame(changes("const x = a + ' b';"), []);
  t.strictSame(changes('const x = `a` + b;'), []);
  t.strictSame(changes('const x = a << b;'), ['arithmetic: << → >>']);
});

t.test('small numbers grow by one, limits a thousand times; types and imports are left alone', async (t) => {
  t.strictSame(changes('const a = 7, b = 10_000, c = 0x40, d = true;'), [
    'literal: 7 → 8',
    'literal: 10_000 → 10000000',
    'literal: 0x40 → 65',
    'literal: true → false',
  ]);
  t.strictSame(
    changes("import a from 'a' with { type: 'json' };\nexport type B = 1 | true;\ninterface C { d: 1 }\nlet e: 2;"),
    [],
  );
});

t.test('methods are swapped or left out', async (t) => {
  t.strictSame(changes('const x = a.some(b);'), ['method: some → every']);
  t.strictSame(changes('const x = a.filter(b).c;'), ['method: .filter(b) → ']);
});

t.test('a mutant knows its place, and its name stays while lines move', async (t) => {
  const source = 'const a = 1;\n\n  if (b) c();\n';
  const found = mutantsOf('src/x.ts', source).find(({ to }) => to === 'false')!;
  t.match(found, { line: 3, code: 'if (b) c();', text: 'const a = 1;\n\n  if (false) c();\n' });
  const moved = mutantsOf('src/x.ts', `// more\n${source}`).find(({ to }) => to === 'false')!;
  t.equal(nameOf(moved), nameOf(found));
  t.not(moved.line, found.line);
});

t.test('every mutant of the sources is a program, and no two are the same', async (t) => {
  const files = globSync('src/{bearer,dtls,netstack}/**/*.ts', { cwd: repository });
  const all = files.flatMap((file) => mutantsOf(file, readFileSync(join(repository, file), 'utf8')));
  t.ok(all.length > 5000, `${all.length} mutants`);
  t.equal(new Set(all.map(({ file, text }) => `${file}\0${text}`)).size, all.length);
  for (const { file, line, from, to, text } of sampleOf(all, 300, 1)) {
    try {
      stripTypeScriptTypes(text);
    } catch (error) {
      t.fail(`${file}:${line} ${from} → ${to}: ${error}`);
    }
  }
});

t.test('a sample is drawn by its seed, without repetition', async (t) => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const drawn = sampleOf(items, 10, 1);
  t.strictSame(sampleOf(items, 10, 1), drawn);
  t.notSame(sampleOf(items, 10, 2), drawn);
  t.equal(new Set(drawn).size, 10);
  t.strictSame(
    sampleOf(items, 99, 3).toSorted((a, b) => a - b),
    items,
  );
  const sums = Array.from({ length: 200 }, (_, seed) => sampleOf(items, 10, seed).reduce((sum, i) => sum + i, 0));
  const mean = sums.reduce((sum, each) => sum + each, 0) / sums.length / 10;
  t.ok(mean > 23 && mean < 26, `each is as likely as any other: ${mean}`);
});

t.test('each mutant that is judged equivalent is one of today’s sources, with a reason', async (t) => {
  const listed = JSON.parse(readFileSync(join(import.meta.dirname, 'equivalent.json'), 'utf8')) as Equivalent[];
  const names = new Map<string, ReadonlySet<string>>();
  for (const one of listed) {
    const known =
      names.get(one.file) ?? new Set(mutantsOf(one.file, readFileSync(join(repository, one.file), 'utf8')).map(nameOf));
    names.set(one.file, known);
    t.ok(known.has(nameOf(one)), `${one.file}: ${one.from} → ${one.to} in “${one.code}”`);
    t.ok(one.why.length > 20, one.why);
  }
  t.equal(new Set(listed.map(nameOf)).size, listed.length, 'each once');
});
