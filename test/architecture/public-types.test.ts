import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';

/*
 * A program that calls a method wants to name what it hands over: a variable that holds options, a function that returns a handler. So each
 * type that a parameter of a public method names can be imported from the entry of the package, and so can each type that such options name.
 */

const repository = join(import.meta.dirname, '../..');
const source = join(repository, 'src').replaceAll('\\', '/');

/** Whose methods a program calls, beside the functions that an entry exports. */
const CALLED: Readonly<Record<string, readonly string[]>> = {
  'src/index.ts': [
    ...['Simulator', 'ResourceControls', 'AccessControls', 'StubControls', 'SessionControls', 'OwnCapture'],
    ...['SimulatorClock', 'Journal', 'FaultHandle', 'IdentityControls', 'TunnelClient', 'TunnelSdk', 'Intune'],
    ...['RemoteSimulator', 'RemoteResources', 'RemoteAccess', 'RemoteStubs', 'RemoteJournal', 'RemoteFaults'],
    ...['RemoteFault', 'RemoteSessions', 'RemoteGateway', 'RemoteClock', 'RemoteIdentity', 'RemoteIntune'],
    'RemoteCaptures',
  ],
  'src/client/index.ts': ['TunnelClient', 'TunnelSdk', 'ImpairedCarrier'],
};

const settings = ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile).config;
const { options } = ts.parseJsonConfigFileContent({ ...settings, files: [], include: [] }, ts.sys, repository);
const program = ts.createProgram(
  Object.keys(CALLED).map((entry) => join(repository, entry)),
  { ...options, noEmit: true },
);
const checker = program.getTypeChecker();

const real = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

const isOurs = (node: ts.Node): boolean => node.getSourceFile().fileName.startsWith(`${source}/`);

const isInternal = (node: ts.Node): boolean =>
  ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal') ||
  (ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword));

/** Our types that a piece of a declaration names. */
function named(node: ts.Node | undefined, found = new Set<ts.Symbol>()): Set<ts.Symbol> {
  if (node === undefined) return found;
  if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
    const symbol = checker.getSymbolAtLocation(ts.isTypeReferenceNode(node) ? node.typeName : node.expression);
    const type = symbol && real(symbol);
    if (type && !(type.flags & ts.SymbolFlags.TypeParameter) && type.declarations?.some(isOurs)) found.add(type);
  }
  ts.forEachChild(node, (child) => void named(child, found));
  return found;
}

/** A port has methods, which a program seldom writes itself: to name it is enough. Options are data. */
const isData = (declaration: ts.Node): boolean =>
  ts.isTypeAliasDeclaration(declaration) ||
  (ts.isInterfaceDeclaration(declaration) && !declaration.members.some(ts.isMethodSignature));

/** Whether a program could name it. */
const canBeNamed = (type: ts.Symbol): boolean =>
  (type.declarations ?? []).some(
    (node) =>
      ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
  );

/** Notes a type of a parameter, with the types that it names if it is data. */
function note(type: ts.Symbol, from: string, found: Map<ts.Symbol, string>): void {
  if (found.has(type)) return;
  found.set(type, from);
  for (const declaration of type.declarations ?? []) {
    if (!isOurs(declaration) || !isData(declaration)) continue;
    for (const inner of named(ts.isTypeAliasDeclaration(declaration) ? declaration.type : declaration)) {
      if (inner !== type) note(inner, type.name, found);
    }
  }
}

/** The types that parameters name, each with the place where. */
function parameterTypes(declaration: ts.Node, name: string, found: Map<ts.Symbol, string>): void {
  if (ts.isFunctionDeclaration(declaration)) {
    for (const { type } of declaration.parameters) for (const one of named(type)) note(one, name, found);
  }
  if (!ts.isClassDeclaration(declaration) && !ts.isInterfaceDeclaration(declaration)) return;
  for (const member of declaration.members) {
    if (!(ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) || isInternal(member)) continue;
    if (ts.isPrivateIdentifier(member.name)) continue;
    for (const { type } of member.parameters) {
      for (const one of named(type)) note(one, `${name}.${member.name.getText()}`, found);
    }
  }
}

/** A class or interface of this name that the program knows. */
function declarationsOf(name: string): ts.Node[] {
  return program
    .getSourceFiles()
    .filter(isOurs)
    .flatMap(({ statements }) => statements)
    .filter((node) => (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) && node.name?.text === name);
}

for (const [entry, called] of Object.entries(CALLED)) {
  t.test(`${entry} exports what its methods are called with`, async (t) => {
    const file = checker.getSymbolAtLocation(program.getSourceFile(join(repository, entry))!)!;
    const exported = new Set(checker.getExportsOfModule(file).map(real));
    const found = new Map<ts.Symbol, string>();
    for (const symbol of exported) {
      for (const declaration of symbol.declarations ?? []) {
        if (ts.isFunctionDeclaration(declaration)) parameterTypes(declaration, symbol.name, found);
      }
    }
    for (const name of called) {
      const declarations = declarationsOf(name);
      t.not(declarations.length, 0, name);
      for (const declaration of declarations) parameterTypes(declaration, name, found);
    }
    t.ok(found.size > 15, `${found.size} types`);
    t.strictSame(
      [...found]
        .filter(([type]) => canBeNamed(type) && !exported.has(type))
        .map(([{ name }, from]) => `${name}, named by ${from}`),
      [],
    );
  });
}
