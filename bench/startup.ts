// What a person waits for: from the call of the program to its readiness line, which comes only after the gateway and Entra ID
// have answered over real connections, and to the answer of a short command. Cold: no certificates, no compiled code. Warm: a
// later start.
//
//   node bench/startup.ts [runs] [--against ../checkout]
//
// Checkouts take turns, so that they meet the same machine. CPU is the user and system time of all threads until then; unlike
// the time that passes, it depends little on what else the machine is doing, and its minimum least of all.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atFirstLine } from '../test/support/first-line.ts';
import { least, median } from './lib/figures.ts';
import { options, tellIfAlone } from './lib/options.ts';

const { numbers, against } = options([], ['against']);
const [runs = 5] = numbers;
const checkouts = [join(import.meta.dirname, '..'), ...against];

/** Tells on descriptor 3 how much CPU the process has used when it writes its first line, or ends. */
const METER = atFirstLine(
  '',
  'const { user, system } = process.cpuUsage(); writeSync(3, String((user + system) / 1000));',
);

/** Milliseconds. */
interface Measured {
  readonly wall: number;
  readonly cpu: number;
}

interface Running {
  readonly first: Measured;
  readonly ended: Promise<void>;
  /** Has it end in good order, which leaves compiled code behind. */
  end(): Promise<void>;
}

/** Compiled code goes where the program keeps it by itself, but in a folder of the benchmark. */
const { NODE_COMPILE_CACHE: _, ...environment } = process.env;
const cachesIn = (folder: string): NodeJS.ProcessEnv => ({
  TMPDIR: folder,
  XDG_CACHE_HOME: folder,
  LOCALAPPDATA: folder,
});

/** A place for certificates and compiled code. */
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'tunnelite-startup-'));
const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** Runs a program of Node's until its first line; without a file, Node itself. */
async function run(folder: string, file: string | undefined, args: readonly string[]): Promise<Running> {
  const begin = performance.now();
  const program = file === undefined ? ['--eval', 'console.log(1)'] : [file, ...args];
  const child = spawn(process.execPath, ['--import', METER, ...program], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { ...environment, ...cachesIn(folder) },
  });
  let told = '';
  child.stdio[3]!.on('data', (chunk: Buffer) => (told += chunk));
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  const wall = await new Promise<number>((done, fail) => {
    child.stdout!.once('data', (text: Buffer) => {
      if (text.includes('"error"')) fail(new Error(String(text)));
      else done(performance.now() - begin);
    });
    child.on('close', (code) => fail(new Error(`${program.join(' ')} ended with ${code} and had written nothing`)));
  });
  if (told === '') await new Promise((done) => child.stdio[3]!.once('data', done));
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return { first: { wall, cpu: Number(told) }, ended, end };
}

/** What is measured of each checkout. */
class Checkout {
  readonly #main: string;
  readonly #results = new Map<string, Measured[]>();
  /** Keeps certificates and compiled code from one run to the next. */
  readonly #warm = newFolder();

  constructor(folder: string) {
    // What `npm start` runs; in older checkouts it has other names.
    const names = ['src/cli/main.js', 'bin/tunnelite.mjs', 'src/cli/main.ts'].map((name) => join(folder, name));
    this.#main = names.find((file) => existsSync(file))!;
  }

  start(folder: string): Promise<Running> {
    const certs = join(folder, 'certs');
    return run(folder, this.#main, ['start', '--port', '0', '--certs', certs, '--log-level', 'silent', '--json']);
  }

  async command(args: readonly string[]): Promise<Measured> {
    const { first, ended } = await run(this.#warm, args.length === 0 ? undefined : this.#main, args);
    await ended;
    return first;
  }

  /** The first runs, which leave certificates and compiled code behind. */
  async warmUp(): Promise<void> {
    for (let i = 0; i < 2; i++) await (await this.start(this.#warm)).end();
  }

  /** Each of the things that are measured, once. */
  async measure(): Promise<void> {
    const folder = newFolder();
    try {
      const cold = await this.start(folder);
      this.#add('cold start', cold.first);
      await cold.end();
    } finally {
      remove(folder);
    }
    const warm = await this.start(this.#warm);
    try {
      this.#add('warm start', warm.first);
      // Twice, because the first time leaves compiled code for the second.
      const token = ['token', '--certs', join(this.#warm, 'certs')];
      for (const args of [token, ['--version'], ['--help'], ['start', '--help'], []]) {
        if (!this.#results.has(nameOf(args))) await this.command(args);
        this.#add(nameOf(args), await this.command(args));
      }
    } finally {
      await warm.end();
    }
  }

  #add(name: string, measured: Measured): void {
    this.#results.set(name, [...(this.#results.get(name) ?? []), measured]);
  }

  get results(): ReadonlyMap<string, readonly Measured[]> {
    return this.#results;
  }

  close(): void {
    remove(this.#warm);
  }
}

function nameOf(args: readonly string[]): string {
  return args.length === 0 ? 'Node.js alone' : args.filter((one) => !one.includes('certs')).join(' ');
}

/** Least and median, and how both relate to those of another checkout. */
function figures(values: readonly number[], ours: readonly number[] | undefined): string {
  const [low, middle] = [least(values), median(values)];
  const text = `${low.toFixed(0).padStart(5)} ms least, ${middle.toFixed(0).padStart(5)} median`;
  if (!ours) return text;
  return `${text}; this one ${(least(ours) / low).toFixed(2)} × and ${(median(ours) / middle).toFixed(2)} ×`;
}

tellIfAlone(against);
const all = checkouts.map((folder) => ({ folder, checkout: new Checkout(folder) }));
try {
  for (const { checkout } of all) await checkout.warmUp();
  for (let i = 0; i < runs; i++) for (const { checkout } of all) await checkout.measure();
  const own = all[0]!.checkout.results;
  for (const [i, { folder, checkout }] of all.entries()) {
    console.log(`${i === 0 ? 'This checkout' : folder}, ${runs} runs`);
    for (const [name, measured] of checkout.results) {
      const ours = i === 0 ? undefined : own.get(name)!;
      for (const kind of ['wall', 'cpu'] as const) {
        const numbers = figures(
          measured.map((one) => one[kind]),
          ours?.map((one) => one[kind]),
        );
        console.log(`${(kind === 'wall' ? name : '').padEnd(14)} ${kind === 'wall' ? 'time' : 'CPU '} ${numbers}`);
      }
    }
  }
} finally {
  for (const { checkout } of all) checkout.close();
}
