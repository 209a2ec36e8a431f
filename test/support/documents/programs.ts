import { join } from 'node:path';
import ts from 'typescript';
import { REPOSITORY } from './markdown.ts';

/** A snippet of TypeScript or JavaScript. */
export interface Snippet {
  readonly language: string;
  readonly text: string;
  /** File and line of its first line, such as `docs/reference/tokens.md:17`. */
  readonly place: string;
}

/** What a program imports, and where its types are in the repository. */
const PACKAGE = {
  tunnelite: ['src/index.ts'],
  'tunnelite/client': ['src/client/index.ts'],
  'tunnelite/dtls': ['src/dtls/index.ts'],
  'tunnelite/netstack': ['src/netstack/index.ts'],
  'tunnelite/testing': ['src/testing/index.ts'],
};

/** Declares the modules that programs import and that are not installed here. */
const DECLARATIONS = join(import.meta.dirname, 'runners.d.ts');

/** Fences that hold programs, and the extension by which the compiler knows each language. */
export const PROGRAM_EXTENSIONS: Readonly<Record<string, string>> = { ts: 'mts', js: 'mjs' };

/**
 * Compiles snippets as modules of their own in strict TypeScript, all in one program, as a project that has installed
 * the package would. Returns the complaints, each with the document's line.
 */
export function compileSnippets(snippets: readonly Snippet[]): string[] {
  const options = compilerOptions();
  const sources = new Map<string, Snippet>();
  for (const [index, snippet] of snippets.entries()) {
    sources.set(join(REPOSITORY, 'docs', `snippet-${index}.${PROGRAM_EXTENSIONS[snippet.language]}`), snippet);
  }
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.readFile = (path) => sources.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const snippet = sources.get(path);
    // Without an import or export a snippet would be a script, and share its names with all others.
    const text = snippet && `${snippet.text}\nexport {};\n`;
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion);
  };
  const program = ts.createProgram([...sources.keys(), DECLARATIONS], options, host);
  const complaints = program.getOptionsDiagnostics().map((one) => textOf(one));
  for (const [path, { place }] of sources) {
    const file = program.getSourceFile(path)!;
    for (const one of [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]) {
      complaints.push(`${lineIn(place, one)}: ${textOf(one)}`);
    }
  }
  return complaints;
}

function compilerOptions(): ts.CompilerOptions {
  const config = ts.readConfigFile(join(REPOSITORY, 'tsconfig.json'), ts.sys.readFile);
  const { options, errors } = ts.convertCompilerOptionsFromJson(config.config.compilerOptions, REPOSITORY);
  if (errors.length > 0) throw new Error(errors.map(textOf).join('\n'));
  const paths = Object.fromEntries(
    Object.entries(PACKAGE).map(([name, files]) => [name, files.map((file) => join(REPOSITORY, file))]),
  );
  // A snippet shows how a value is had, not always what becomes of it.
  return { ...options, paths, allowJs: true, checkJs: true, noUnusedLocals: false, noUnusedParameters: false };
}

function textOf(one: ts.Diagnostic): string {
  return `${ts.flattenDiagnosticMessageText(one.messageText, ' ')} (TS${one.code})`;
}

function lineIn(place: string, { file, start }: ts.Diagnostic): string {
  const [path, first] = place.split(':');
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0;
  return `${path}:${Number(first) + line}`;
}
