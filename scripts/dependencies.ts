import { builtinModules } from 'node:module';
import ts from 'typescript';

/** One source file, with its path from the repository's root. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** The parts of package.json that name other packages. */
export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What the check looks at. */
export interface DependencyUse {
  readonly manifest: Manifest;
  readonly sources: readonly SourceText[];
  /** Text of everything that runs programs: package.json's scripts, .ci/run, the Dockerfile. */
  readonly commands: string;
  /** Names of the programs that a package brings. */
  readonly programs: ReadonlyMap<string, readonly string[]>;
}

const builtin = new Set(builtinModules);

/** The package that a module name belongs to; undefined for relative names and for Node.js's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (/^[./#]|^\w+:/.test(specifier) || builtin.has(specifier.split('/')[0]!)) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

/** True for `createRequire(...)`, and for `createRequire(...).resolve` and `import.meta.resolve`. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  if (ts.isCallExpression(callee))
    return ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire';
  return (
    ts.isPropertyAccessExpression(callee) &&
    callee.name.text === 'resolve' &&
    (ts.isMetaProperty(callee.expression) || loads(callee.expression))
  );
}

/** Every module name that a file imports: statements, types, dynamic imports, and what it loads through `createRequire`. */
export function importsOf({ path, text }: SourceText): readonly string[] {
  const names: string[] = [];
  const add = (node: ts.Node | undefined): void => {
    if (node && ts.isStringLiteralLike(node)) names.push(node.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined);
    else if (ts.isCallExpression(node) && loads(node.expression)) add(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return names;
}

/** True when a command line runs a program by name, through `.bin`, or by its path in node_modules. */
function isRun(commands: string, name: string, programs: readonly string[]): boolean {
  if (commands.includes(`node_modules/${name}/`)) return true;
  return programs.some((program) =>
    new RegExp(`(?:^|[\\s"'&|;(]|\\.bin/)${program}(?=$|[\\s"'&|;)])`, 'm').test(commands),
  );
}

/** `1.2.3`, or `npm:other@1.2.3`. */
const EXACT = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/**
 * Complaints about the packages that are declared and those that are used: each dependency is imported by `src`, each
 * development dependency by something else or run as a program, each import is declared where it belongs, each version
 * is exact. Empty when all is well.
 */
export function dependencyFaults({ manifest, sources, commands, programs }: DependencyUse): readonly string[] {
  const shipped = { ...manifest.dependencies, ...manifest.optionalDependencies };
  const dev = manifest.devDependencies ?? {};
  const faults: string[] = [];
  const inSource = new Set<string>();
  const elsewhere = new Set<string>();
  for (const source of sources) {
    const ours = source.path.startsWith('src/');
    for (const specifier of new Set(importsOf(source))) {
      const name = packageOf(specifier);
      if (name === undefined || name === manifest.name) continue;
      (ours ? inSource : elsewhere).add(name);
      if (name in shipped || (!ours && name in dev)) continue;
      faults.push(
        ours && name in dev
          ? `${source.path} imports ${name}, which is only a development dependency`
          : `${source.path} imports ${name}, which package.json does not declare`,
      );
    }
  }
  const typesAreUsed = (name: string): boolean => {
    if (name === '@types/node') return true;
    const typed = name.slice('@types/'.length).replace(/^(.+)__/, '@$1/');
    return inSource.has(typed) || elsewhere.has(typed);
  };
  for (const name of Object.keys(shipped)) {
    if (!inSource.has(name)) faults.push(`${name} is a dependency, but nothing in src imports it`);
    if (name in dev) faults.push(`${name} is declared twice`);
  }
  for (const name of Object.keys(dev)) {
    const used = name.startsWith('@types/')
      ? typesAreUsed(name)
      : elsewhere.has(name) || isRun(commands, name, programs.get(name) ?? []);
    if (!used) faults.push(`${name} is a development dependency, but nothing imports or runs it`);
  }
  for (const [name, version] of Object.entries({ ...shipped, ...dev })) {
    if (!EXACT.test(version)) faults.push(`${name} has the version "${version}", which is not exact`);
  }
  return faults;
}

/** The parts of package-lock.json that are looked at. */
export interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly resolved?: string;
        /** Needed for development only. */
        readonly dev?: boolean;
        readonly dependencies?: Readonly<Record<string, string>>;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

/**
 * Complaints about a lock file: a package that another needs (optional ones of other platforms too) has no entry, so that an
 * install elsewhere would lack it; or an entry names the host that it was fetched from.
 */
export function lockFaults({ packages }: Lock): readonly string[] {
  const faults: string[] = [];
  for (const [place, entry] of Object.entries(packages)) {
    if (entry.resolved !== undefined) faults.push(`${place} names the place it was fetched from`);
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      let at = place;
      while (at !== '' && !(`${at}/node_modules/${name}` in packages)) {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')));
      }
      const found = at === '' ? `node_modules/${name}` in packages : true;
      if (!found) faults.push(`${place === '' ? 'package.json' : place} needs ${name}, which is not locked`);
    }
  }
  return faults;
}
