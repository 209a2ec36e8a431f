import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';

const repository = join(import.meta.dirname, '../..');
const source = join(repository, 'src').replaceAll('\\', '/');

/** Classes whose fields others write, and why: records of one folder, reused so that a packet costs no memory. */
const RECORDS: Readonly<Record<string, string>> = {
  Tcb: 'all variables of a TCP connection; the functions of netstack/tcp are its methods',
  Segment: 'the TCP segment at hand',
  IpPayload: 'the IP packet at hand',
  Party: 'what an owner of packets holds, counted by those who give it',
};

/** What an expression writes to: `x.y` of `x.y = 1`, `x.y += 1`, `x.y++`. */
function written(node: ts.Node): ts.Expression | undefined {
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment ? node.left : undefined;
  }
  if (!ts.isPrefixUnaryExpression(node) && !ts.isPostfixUnaryExpression(node)) return undefined;
  const steps = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
  return steps ? node.operand : undefined;
}

/** Places where a file writes a field of a class that stands in another file: `Class.field` and file with line. */
function foreignWrites(files: readonly string[], options: ts.CompilerOptions): [field: string, place: string][] {
  const program = ts.createProgram(files, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const found: [string, string][] = [];
  for (const file of program.getSourceFiles()) {
    if (!files.includes(file.fileName)) continue;
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit);
      const target = written(node);
      if (!target || !ts.isPropertyAccessExpression(target)) return;
      if (target.expression.kind === ts.SyntaxKind.ThisKeyword) return;
      const declaration = checker.getSymbolAtLocation(target.name)?.declarations?.[0];
      const owner = declaration?.parent;
      if (
        !owner ||
        !ts.isClassLike(owner) ||
        owner.getSourceFile() === file ||
        !files.includes(owner.getSourceFile().fileName)
      )
        return;
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      found.push([`${owner.name?.text}.${target.name.text}`, `${file.fileName.split('/').at(-1)}:${line + 1}`]);
    };
    visit(file);
  }
  return found;
}

t.test('no file writes a field of an object of a class in another file', async (t) => {
  const { config } = ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, repository);
  const files = parsed.fileNames.map((name) => name.replaceAll('\\', '/')).filter((name) => name.startsWith(source));
  const writes = foreignWrites(files, parsed.options);
  const classOf = (field: string): string => field.split('.', 1)[0]!;
  t.strictSame(
    writes.filter(([field]) => !(classOf(field) in RECORDS)),
    [],
  );
  const used = new Set(writes.map(([field]) => classOf(field)));
  for (const [name, why] of Object.entries(RECORDS)) t.ok(used.has(name), `${name}: ${why}`);
});

t.test('such a write is found, whatever its form', async (t) => {
  const folder = t.testdir({
    'a.ts': 'export class A { x = 1; y = { z: 1 }; grow(other: A) { this.x++; other.x++; } }',
    'b.ts': `import { A } from './a.ts';
const a = new A();
a.x = 2;
a.x += 2;
a.x++;
--a.x;
a.y.z = 2;
export const read = a.x;`,
  });
  const files = ['a.ts', 'b.ts'].map((name) => join(folder, name).replaceAll('\\', '/'));
  const options = { allowImportingTsExtensions: true, noEmit: true, strict: true };
  t.strictSame(
    foreignWrites(files, options).map(([field, place]) => `${field} ${place}`),
    ['A.x b.ts:3', 'A.x b.ts:4', 'A.x b.ts:5', 'A.x b.ts:6'],
  );
});
