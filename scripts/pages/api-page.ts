import { join, relative } from 'node:path';
import ts from 'typescript';
import { capital } from './cell.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Entry points of the package, in the order of the page, with what each is for. */
const ENTRIES: readonly (readonly [name: string, file: string, about: string])[] = [
  ['tunnelite', 'src/index.ts', 'The simulator, and everything to steer one'],
  ['tunnelite/testing', 'src/testing/index.ts', 'Fixtures for test runners, worlds on virtual time, scenarios'],
  ['tunnelite/client', 'src/client/index.ts', 'The bundled client alone, without gateway and Entra ID'],
  ['tunnelite/dtls', 'src/dtls/index.ts', 'DTLS 1.2'],
  ['tunnelite/netstack', 'src/netstack/index.ts', 'The user-space TCP/IP stack'],
];

const pageOf = (entry: string): string => `${entry.replace('tunnelite/', '')}.md`;

/** docs/reference/api.md and a page for each entry point below it, from the declarations and their TSDoc. */
export function apiPages(): Record<string, string> {
  const files = ENTRIES.map(([, file]) => join(REPOSITORY, file));
  const program = ts.createProgram(files, compilerOptions());
  const checker = program.getTypeChecker();
  const pages: Record<string, string> = {};
  const rows: string[] = [];
  for (const [entry, file, about] of ENTRIES) {
    const source = program.getSourceFile(join(REPOSITORY, file))!;
    const symbols = checker
      .getExportsOfModule(checker.getSymbolAtLocation(source)!)
      .map((symbol) => ({
        name: symbol.name,
        of: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
      }))
      .toSorted((a, b) => rank(a.of) - rank(b.of) || (a.name < b.name ? -1 : 1));
    const exported = new Set(symbols.map(({ of }) => of));
    const used = typesUsedBy(exported, checker).map((of) => ({ name: of.name, of }));
    const page = [`# \`${entry}\``, `${about}. This page is generated from the declarations and their comments.`];
    for (const { name, of } of symbols) page.push(symbolSection(name, of));
    if (used.length > 0) {
      page.push(
        '## Types that these use',
        'They are not exported; the compiler knows them by what returns or takes them.',
      );
      for (const { name, of } of used) page.push(symbolSection(name, of, '###'));
    }
    pages[`reference/api/${pageOf(entry)}`] = `${page.join('\n\n')}\n`;
    const main = symbols
      .filter(({ of }) => rank(of) < 2)
      .map(({ name }) => `[\`${name}\`](api/${pageOf(entry)}#${name.toLowerCase()})`);
    rows.push(`| [\`${entry}\`](api/${pageOf(entry)}) | ${about} | ${main.join(', ')} |`);
  }
  pages['reference/api.md'] = `# API

\`\`\`ts
import { startSimulator, TunnelClient } from 'tunnelite';
import { createWorld, useSimulator } from 'tunnelite/testing';
\`\`\`

| Import | What it is | Classes and functions |
|---|---|---|
${rows.join('\n')}

Errors are \`TunneliteError\`s with a code of [the table](errors.md). What opens something has \`close()\` and \`Symbol.asyncDispose\`, so that
\`await using\` closes it. The pages are generated from the declarations and their comments.
`;
  return pages;
}

/** Functions and classes come first: they are where one begins. */
function rank({ flags }: ts.Symbol): number {
  if (flags & ts.SymbolFlags.Function) return 0;
  if (flags & ts.SymbolFlags.Class) return 1;
  return flags & ts.SymbolFlags.Variable ? 2 : 3;
}

/** Interfaces and classes of ours that members of exported classes and functions name, and that are not exported. */
function typesUsedBy(exported: ReadonlySet<ts.Symbol>, checker: ts.TypeChecker): ts.Symbol[] {
  const found = new Set<ts.Symbol>();
  for (const symbol of exported) {
    if (rank(symbol) > 1) continue;
    for (const declaration of symbol.declarations ?? []) {
      const visit = (node: ts.Node): void => {
        if (ts.isBlock(node)) return;
        if (ts.isTypeReferenceNode(node)) {
          const named = checker.getSymbolAtLocation(node.typeName);
          const of = named && named.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(named) : named;
          const where = of?.declarations?.[0];
          const ours = where && relative(REPOSITORY, where.getSourceFile().fileName).startsWith('src/');
          if (
            of &&
            ours &&
            (ts.isInterfaceDeclaration(where) || ts.isTypeAliasDeclaration(where) || ts.isClassDeclaration(where)) &&
            !exported.has(of)
          )
            found.add(of);
        }
        ts.forEachChild(node, visit);
      };
      for (const member of ts.isClassDeclaration(declaration) ? declaration.members.filter(isPublic) : [declaration]) {
        if (ts.isConstructorDeclaration(member)) continue;
        visit(member);
      }
    }
  }
  return [...found].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Tables that have a page of their own. */
const OWN_PAGES: Readonly<Record<string, string>> = {
  ERROR_CODES: 'Every code with its summary and hint: [errors](../errors.md).',
  EventMap: 'Every event with the type of its fields: [events](../events.md).',
};

function symbolSection(name: string, symbol: ts.Symbol, level = '##'): string {
  const elsewhere = OWN_PAGES[name];
  if (elsewhere !== undefined) return `${level} ${name}\n\n${elsewhere}`;
  const declarations = (symbol.declarations ?? []).filter((one) => !hasImplementationOf(one, symbol));
  const parts = [`${level} ${name}`];
  const described = declarations.map(docOf).filter((text) => text !== '');
  parts.push(...described);
  const code = declarations.map(signatureOf);
  parts.push(`\`\`\`ts fragment\n${code.join('\n')}\n\`\`\``);
  for (const declaration of declarations) {
    if (!ts.isClassDeclaration(declaration)) continue;
    const rows = declaration.members.filter(isPublic).flatMap((member) => {
      if (ts.isConstructorDeclaration(member) || !member.name) return [];
      const doc = docOf(member);
      return doc === ''
        ? []
        : [`${level}# ${name}.${nameOf(member.name)}\n\n\`\`\`ts fragment\n${memberText(member)}\n\`\`\`\n\n${doc}`];
    });
    parts.push(...rows);
  }
  return parts.join('\n\n');
}

/** The implementation behind overloads is not for callers. */
function hasImplementationOf(declaration: ts.Declaration, symbol: ts.Symbol): boolean {
  const overloads = (symbol.declarations ?? []).filter(ts.isFunctionDeclaration);
  return overloads.length > 1 && ts.isFunctionDeclaration(declaration) && declaration.body !== undefined;
}

function isPublic(member: ts.ClassElement): boolean {
  if (isInternal(member)) return false;
  if (ts.isPrivateIdentifier(member.name ?? member)) return false;
  if (ts.isClassStaticBlockDeclaration(member)) return false;
  return (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0;
}

const nameOf = (name: ts.PropertyName): string => name.getText();

/** A declaration as a caller sees it: without bodies and private members. */
function signatureOf(declaration: ts.Declaration): string {
  if (ts.isClassDeclaration(declaration)) {
    const members = declaration.members.filter(isPublic).filter((one) => !ts.isConstructorDeclaration(one));
    const heritage = (declaration.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join('');
    const types = declaration.typeParameters
      ? `<${declaration.typeParameters.map((one) => one.getText()).join(', ')}>`
      : '';
    return `class ${declaration.name?.text}${types}${heritage} {\n${members.map((one) => `  ${memberText(one)}`).join('\n')}\n}`;
  }
  if (ts.isVariableDeclaration(declaration)) {
    const type = declaration.type?.getText();
    return `const ${declaration.name.getText()}${type === undefined ? '' : `: ${type}`};`;
  }
  return withoutBody(declaration).replace(/^export (default )?(async )?/, '');
}

const memberText = (member: ts.ClassElement): string => withoutBody(member).replaceAll('\n', '\n  ');

function withoutBody(node: ts.Node): string {
  const source = node.getSourceFile();
  const { body } = node as { body?: ts.Node };
  const { initializer } = node as { initializer?: ts.Node };
  const isProperty = ts.isPropertyDeclaration(node);
  const end = body?.pos ?? (isProperty && initializer ? initializer.pos : node.end);
  let text = source.text.slice(node.getStart(source), end).trim().replace(/\s*=$/, '');
  if (ts.isClassElement(node)) text = text.replace(/^async /, '');
  return body || isProperty ? `${text.replace(/;$/, '')};` : text;
}

const isInternal = (node: ts.Node): boolean => ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'internal');

/** The comment of a declaration as Markdown. */
function docOf(node: ts.Node): string {
  const docs = ts
    .getJSDocCommentsAndTags(ts.isVariableDeclaration(node) ? node.parent.parent : node)
    .filter(ts.isJSDoc);
  const last = docs.at(-1);
  if (!last) return '';
  const parts = [lines(ts.getTextOfJSDocComment(last.comment) ?? '')];
  for (const tag of last.tags ?? []) {
    const text = lines(ts.getTextOfJSDocComment(tag.comment) ?? '');
    const word = tag.tagName.text;
    if (ts.isJSDocParameterTag(tag)) parts.push(`- \`${tag.name.getText()}\`: ${text}`);
    else if (word === 'example') parts.push(`Example:\n\n${text.replaceAll(/^```(ts|js)$/gm, '```$1 fragment')}`);
    else
      parts.push(
        `${capital(word)}: ${tag
          .getText()
          .slice(word.length + 1)
          .replaceAll(/\n\s*\*\s?/g, ' ')
          .trim()}`,
      );
  }
  return parts
    .filter((text) => text !== '')
    .join('\n\n')
    .replaceAll(/(- `[^`]+`: [^\n]*)\n\n(?=- `)/g, '$1\n')
    .replaceAll(/docs\/(\w[\w-]*)\/([\w-]+)\.md/g, '[$2](../../$1/$2.md)')
    .replaceAll(/\{@link (\w+)\}/g, '`$1`');
}

const lines = (text: string): string => text.replaceAll('\r', '').trim();

function compilerOptions(): ts.CompilerOptions {
  const config = ts.readConfigFile(join(REPOSITORY, 'tsconfig.json'), ts.sys.readFile);
  return ts.convertCompilerOptionsFromJson(config.config.compilerOptions, REPOSITORY).options;
}
