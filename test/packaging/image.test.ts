import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { copyProductionPackages } from '../../scripts/production-packages.ts';
import { commandOf, copiedBy, stagesOf, variablesOf } from '../support/dockerfile.ts';

// What the image does, without Docker: the same files from the same copies, the same production packages, the same commands, as an
// ordinary user in an empty folder.

t.setTimeout(110_000);
const repository = join(import.meta.dirname, '../..');
const [buildStage, image] = stagesOf(readFileSync(join(repository, 'Dockerfile'), 'utf8')) as [
  ReturnType<typeof stagesOf>[0],
  ReturnType<typeof stagesOf>[0],
];
const windows = process.platform === 'win32' && 'the image is for Linux';
/** Nobody, where the tests run as root. */
const USER = process.getuid?.() === 0 ? 65_534 : undefined;

interface Output {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command without the modules that tap has every Node.js load: the image has none, and the compiler cannot be loaded with them. */
const alone = (...command: readonly string[]) => ['/usr/bin/env', ['-u', 'NODE_OPTIONS', ...command]] as const;

/** The file system of the image. */
class Image implements Disposable {
  readonly #root: string;
  readonly data: string;
  readonly app: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor() {
    this.#root = mkdtempSync(join(tmpdir(), 'tunnelite-image-'));
    this.app = join(this.#root, 'app');
    this.data = join(this.#root, 'data');
    const [bin, tmp, build] = ['bin', 'tmp', 'build'].map((name) => join(this.#root, name)) as [string, string, string];
    for (const folder of [this.app, this.data, bin, tmp, build]) mkdirSync(folder);
    for (const name of copiedBy(buildStage)) cpSync(join(repository, name), join(build, name), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(build, 'node_modules'));
    this.#env = {
      PATH: `${bin}:/usr/bin:/bin`,
      HOME: this.data,
      TMPDIR: tmp,
      ...Object.fromEntries(
        Object.entries(variablesOf(image)).map(([name, value]) => [name, value.replace(/^\/data\b/, this.data)]),
      ),
    };
    copyFileSync(process.execPath, join(bin, 'node'));
    symlinkSync(join(this.app, 'dist/cli/main.js'), join(bin, 'tunnelite'));
    chmodSync(this.#root, 0o755);
    if (USER === undefined) return;
    for (const folder of [this.data, tmp]) chownSync(folder, USER, USER);
  }

  /** The build stage, and what the last one takes from it. */
  async build(): Promise<void> {
    const build = join(this.#root, 'build');
    const { scripts } = JSON.parse(readFileSync(join(build, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const child = spawn(...alone('/bin/sh', '-c', scripts.build!), {
      cwd: build,
      env: { ...process.env, PATH: `${join(this.#root, 'bin')}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`The build ended with ${code}:\n${output}`);
    for (const name of ['package.json', 'dist']) {
      cpSync(join(build, name), join(this.app, name), { recursive: true });
    }
    for (const name of copiedBy(image)) copyFileSync(join(repository, name), join(this.app, name));
    chmodSync(join(this.app, 'dist/cli/main.js'), 0o755);
    copyProductionPackages(repository, this.app);
  }

  start(command: readonly string[]) {
    const child = spawn(...alone(...command), {
      cwd: this.data,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(USER === undefined ? {} : { uid: USER, gid: USER }),
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = once(child, 'close').then(([code]): Output => ({ code: code as number | null, out, err }));
    t.teardown(() => child.exitCode ?? child.kill('SIGKILL'));
    return { child, ended };
  }

  run(...command: string[]): Promise<Output> {
    return this.start(command).ended;
  }

  /** Each file of the program, with the time of its last change. */
  files(): readonly string[] {
    const names = readdirSync(this.app, { recursive: true, encoding: 'utf8' }).sort();
    return names.map((name) => `${name} ${statSync(join(this.app, name)).mtimeMs}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

t.test(
  'the image builds from what it copies, runs as an ordinary user and tells its health',
  { skip: windows },
  async (t) => {
    using box = new Image();
    await box.build();
    const before = box.files();
    t.notOk(before.some((name) => /node_modules\/(?:tap|typescript|playwright-core)\//.test(name)));
    const healthcheck = commandOf(image, 'HEALTHCHECK');
    t.match(await box.run(...healthcheck), { code: 1, out: '' }, 'nothing runs yet');

    // Free ports, and none beyond this machine, as several tests run at once.
    const here = ['gateway', 'identity', 'admin'].flatMap((name) => ['--set', `${name}.host=127.0.0.1`]);
    const command = [...commandOf(image, 'ENTRYPOINT'), ...commandOf(image, 'CMD'), '--port', '0', ...here];
    const cas: string[] = [];
    for (let round = 1; round <= 2; round++) {
      const { child, ended } = box.start(command);
      const waiting = box.run('tunnelite', 'wait', '--timeout', '60');
      const waited = await Promise.race([waiting, ended]);
      t.equal(waited.code, 0, 'it gets ready', { err: waited.err });
      const health = await box.run(...healthcheck);
      t.match(health, { code: 0, out: /^ok gateway/m }, 'it is healthy', { err: health.err });
      t.match(await box.run('tunnelite', 'token'), { code: 0, out: /^ey[\w-]+\.[\w-]+\.[\w-]+\n$/ });
      child.kill('SIGTERM');
      const end = await ended;
      t.equal(end.code, 0, 'it ends in order', { err: end.err });
      cas.push(readFileSync(join(box.data, 'certs/ca.pem'), 'utf8'));
    }
    t.equal(cas[0], cas[1], 'the volume keeps the certificate authority');
    t.match(await box.run(...healthcheck), { code: 1, out: '' }, 'and nothing runs any more');
    t.strictSame(box.files(), before, 'nothing was written beside the volume');
  },
);
