import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { atFirstLine } from './first-line.ts';

export const MAIN = join(import.meta.dirname, '../../src/cli/main.js');

/** Tells on descriptor 3 what has been loaded when the process writes its first line, or ends. */
const RECORDER = atFirstLine(
  `
  import { registerHooks } from 'node:module';
  const urls = [];
  const searched = [];
  registerHooks({
    resolve(name, context, next) { const found = next(name, context); searched.push(found.url); return found; },
    load(url, context, next) { urls.push(url); return next(url, context); },
  });`,
  'writeSync(3, JSON.stringify({ urls, searched, builtin: process.moduleLoadList }));',
);

export interface Loaded {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Our own files, from the repository's root: \`src/cli/run.ts\`. */
  readonly files: readonly string[];
  /** Those of them that Node.js had to search for. */
  readonly searched: readonly string[];
  /** Packages of which anything was loaded. */
  readonly packages: ReadonlySet<string>;
  /** Modules inside Node.js: \`NativeModule internal/deps/undici/undici\`. */
  readonly builtin: readonly string[];
}

/** Runs a program until it ends, or a start until it is ready: what had to be loaded for its first line. */
export async function loadedBy(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Promise<Loaded> {
  const child = spawn(process.execPath, ['--import', RECORDER, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let [out, err, told] = ['', '', ''];
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk;
    if (out.includes('"ready":true')) child.kill('SIGTERM');
  });
  child.stderr!.on('data', (chunk: Buffer) => (err += chunk));
  child.stdio[3]!.on('data', (chunk: Buffer) => (told += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const { urls, searched, builtin } = JSON.parse(told || '{"urls":[],"searched":[],"builtin":[]}') as {
    urls: string[];
    searched: string[];
    builtin: string[];
  };
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  return { code, out, err, files: ownFiles(urls), searched: ownFiles(searched), packages: new Set(packages), builtin };
}

function ownFiles(urls: readonly string[]): string[] {
  return urls.flatMap((url) => (url.includes('/node_modules/') ? [] : (/\/(src\/.*)$/.exec(url)?.[1] ?? [])));
}
