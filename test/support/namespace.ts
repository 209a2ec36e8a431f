import {
  type ChildProcess,
  type ExecFileSyncOptions,
  execFileSync,
  type SpawnOptions,
  spawn,
} from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { loadKoffi } from '../../src/udp/koffi.ts';
import { guardNamespace } from './cleanup-process.ts';

let counter = 0;

const CLONE_NEWNET = 0x40000000;
let enter: ((fd: number) => void) | undefined;

/** Loads native code when it is first needed: most of this module does without. */
function setns(fd: number): void {
  enter ??= nativeSetns();
  enter(fd);
}

function nativeSetns(): (fd: number) => void {
  const loaded = loadKoffi();
  if ('missing' in loaded) throw new Error(`This process cannot enter a network namespace: ${loaded.missing}.`);
  const { koffi } = loaded;
  const call = koffi.load('libc.so.6').func('setns', 'int', ['int', 'int']);
  return (fd) => {
    if (call(fd, CLONE_NEWNET) !== 0) throw new Error(`setns failed with errno ${koffi.errno()}`);
  };
}

/** Runs a program to its end; its output as text. Throws with what it printed on standard error. */
export function run(program: string, args: readonly string[], options: ExecFileSyncOptions = {}): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    ...options,
  }) as string;
}

/** A network namespace of this process: a host of its own, removed with everything that runs in it, at the latest when this process is gone. */
export class Namespace implements AsyncDisposable {
  readonly name: string;
  readonly #children = new Set<ChildProcess>();
  readonly #released: () => void;
  #removed = false;

  private constructor(name: string) {
    this.name = name;
    this.#released = guardNamespace(name);
  }

  /** Makes an empty namespace with loopback up. Needs root. */
  static create(label: string): Namespace {
    counter += 1;
    const name = `tl-${process.pid}-${counter}-${label}`;
    const namespace = new Namespace(name);
    run('ip', ['netns', 'add', name]);
    namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  /** `ip -n <namespace> …` */
  ip(...args: string[]): string {
    return run('ip', ['-n', this.name, ...args]);
  }

  /** Runs a program inside, to its end. */
  exec(program: string, args: readonly string[], options: ExecFileSyncOptions = {}): string {
    return run('ip', ['netns', 'exec', this.name, program, ...args], options);
  }

  /** Starts a program inside; it is ended with the namespace. `ip netns exec` replaces itself, so the child is the program. */
  spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Runs a program inside to its end without blocking this process: its own server may be what the program talks to. */
  output(
    program: string,
    args: readonly string[],
    options: { readonly input?: string | Buffer; readonly timeout?: number; readonly maxBytes?: number } = {},
  ): Promise<ProgramOutput> {
    const child = this.spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    return collect(child, program, options);
  }

  /**
   * Runs `fn` with this process's main thread inside the namespace: sockets that are opened meanwhile live there for good,
   * so a server in this process can be reached from other namespaces. Not to be nested.
   */
  async inside<T>(fn: () => Promise<T>): Promise<T> {
    const own = openSync('/proc/thread-self/ns/net', 'r');
    const target = openSync(`/run/netns/${this.name}`, 'r');
    try {
      setns(target);
      return await fn();
    } finally {
      setns(own);
      closeSync(target);
      closeSync(own);
    }
  }

  /** Ends every child and removes the namespace with its interfaces. Twice is harmless. */
  async remove(): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    await Promise.all([...this.#children].map((child) => end(child)));
    run('ip', ['netns', 'del', this.name]);
    this.#released();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** What a program printed, and how it ended. */
export interface ProgramOutput {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Waits for a child's end and collects its output; ends it after the timeout. */
export function collect(
  child: ChildProcess,
  program: string,
  options: { readonly input?: string | Buffer; readonly timeout?: number; readonly maxBytes?: number } = {},
): Promise<ProgramOutput> {
  const limit = options.maxBytes ?? 256 * 1024 * 1024;
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) stdout.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `${program} did not end within ${(options.timeout ?? 60_000) / 1000} s: ${Buffer.concat(stderr).toString().slice(-2_000)}`,
        ),
      );
    }, options.timeout ?? 60_000);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

/** Ends a child: by SIGTERM, then by SIGKILL; returns once it is gone. */
export function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), 3_000);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill(signal);
  });
}

/** Joins two namespaces by a veth pair. Addresses are in CIDR form, as many on each end as one likes. */
export function join(
  left: Namespace,
  leftAddresses: readonly string[],
  right: Namespace,
  rightAddresses: readonly string[],
): { left: string; right: string } {
  counter += 1;
  // Interface names have 15 bytes at most.
  const names = { left: `tla${process.pid % 100_000}x${counter}`, right: `tlb${process.pid % 100_000}x${counter}` };
  run('ip', [
    'link',
    'add',
    names.left,
    'netns',
    left.name,
    'type',
    'veth',
    'peer',
    'name',
    names.right,
    'netns',
    right.name,
  ]);
  for (const [namespace, name, addresses] of [
    [left, names.left, leftAddresses],
    [right, names.right, rightAddresses],
  ] as const) {
    for (const address of addresses) {
      namespace.ip('addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
    }
    namespace.ip('link', 'set', name, 'up');
  }
  return names;
}
