import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { type LoadResult, readPlan } from '../../src/load/index.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { atOnce } from '../support/start-at.ts';

/* The examples for several workers: their commands are run as they stand, with less to do, and paths of this machine. */

t.setTimeout(300_000);

const repository = join(import.meta.dirname, '../..');
const example = (name: string): string => join(repository, 'examples/load', name);
const text = (name: string): string => readFileSync(example(name), 'utf8');

/** In place of the thousands of clients of the plan. */
const LESS = ['--clients', '8', '--every', '500ms', '--phase', 'login storm:3s', '--phase', 'steady:1s'];
const CLIENTS = 8;

t.test('the plan for workers makes sense, alone and for each of four', async (t) => {
  t.equal(readPlan(example('workers.yaml')).plan.clients, 4000);
  t.equal(readPlan(example('workers.yaml'), {}, [], { index: 4, of: 4 }).worker!.index, 4);
});

async function instance(t: Test) {
  const data = join(t.testdir(), 'data');
  mkdirSync(data);
  const env = { TUNNELITE_CERTS_DIRECTORY: join(data, 'certs') };
  const ports = ['gateway', 'identity', 'admin'].flatMap((name) => ['--set', `${name}.port=0`]);
  const started = spawnCli(['start', ...ports], { env });
  t.teardown(() => started.child.kill('SIGKILL'));
  const ready = await started.waitFor(/^Ready: .*/m);
  return { data, env, ready };
}

/** All clients came in; a generator may have been late on a machine that is busy. */
function checkMerged(t: Test, result: LoadResult, workers: number): void {
  const { meta, totals, validity, thresholds } = result;
  t.equal(meta.workers!.length, workers);
  t.equal(totals.counters['login.done'], CLIENTS);
  t.ok(
    thresholds.every(({ passed }) => passed),
    JSON.stringify(thresholds),
  );
  t.strictSame(
    validity.reasons.filter((reason) => !/the generator was .* late/.test(reason)),
    [],
  );
}

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly command?: readonly string[];
        readonly network_mode?: string;
        readonly volumes: readonly string[];
        readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
      }
    >
  >;
  readonly volumes: Readonly<Record<string, null>>;
}

t.test('the workers of the compose file load its gateway together, and their results are merged', async (t) => {
  const { services, volumes } = parse(text('compose.yaml'), { merge: true }) as Compose;
  const workers = Object.entries(services).filter(([name]) => name.startsWith('worker-'));
  t.equal(workers.length, 2);
  for (const [name, { network_mode, depends_on, volumes: mounts }] of workers) {
    t.equal(network_mode, 'service:gateway', name);
    t.match(depends_on, { gateway: { condition: 'service_healthy' } });
    t.strictSame(services.merge!.depends_on![name], { condition: 'service_completed_successfully' });
    t.ok(mounts.includes('./workers.yaml:/plan.yaml:ro'));
  }
  for (const { volumes: mounts } of Object.values(services)) {
    t.ok(mounts.includes('data:/data') && Object.hasOwn(volumes, 'data'));
  }
  const { data, env } = await instance(t);
  /** As compose does it, with paths of this machine in place of those in the containers. */
  const words = (command: readonly string[], startAt: string): string[] =>
    command.map((word) =>
      word
        .replace(/^\$\{START_AT:\?[^}]+\}$/, startAt)
        .replace(/^\/plan\.yaml$/, example('workers.yaml'))
        .replace(/^\/data\//, `${data}/`),
    );
  const { ended } = await atOnce((startAt) =>
    Promise.all(workers.map(([, { command }]) => spawnCli([...words(command!, startAt), ...LESS], { env }).ended)),
  );
  t.ok(
    ended.every(({ out }) => /worker \d of 2, 4 of 8 clients/.test(out)),
    JSON.stringify(ended),
  );
  const merged = await cli([...words(services.merge!.command!, ''), '--json']);
  checkMerged(t, JSON.parse(merged.out) as LoadResult, 2);
  t.match(readFileSync(join(data, 'report.html'), 'utf8'), /^<!doctype html>/);
  t.match(readFileSync(join(data, 'junit.xml'), 'utf8'), '<testsuites name="Tunnelite load tests"');
});

interface Job {
  readonly kind: string;
  readonly spec: {
    readonly completionMode: string;
    readonly completions: number;
    readonly parallelism: number;
    readonly backoffLimit: number;
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string;
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

t.test('the workers of the Kubernetes job load a gateway together, and what they print is merged', async (t) => {
  const source = text('kubernetes.yaml');
  const { kind, spec } = parse(source) as Job;
  t.match(
    { kind, ...spec },
    { kind: 'Job', completionMode: 'Indexed', parallelism: spec.completions, backoffLimit: 0 },
  );
  const { restartPolicy, containers, volumes } = spec.template.spec;
  t.equal(restartPolicy, 'Never');
  const [{ command, env: variables, volumeMounts }] = containers as [(typeof containers)[0]];
  t.equal(variables.find(({ name }) => name === 'WORKERS')!.value, String(spec.completions));
  t.match(variables.find(({ name }) => name === 'START_AT')!.valueFrom, {
    configMapKeyRef: { name: 'tunnelite-load', key: 'start-at' },
  });
  t.strictSame(
    volumeMounts.map(({ name }) => name),
    volumes.map(({ name }) => name),
  );
  const { data, env } = await instance(t);
  const [bin, plan, secret] = ['bin', 'plan', 'secret'].map((name) => join(data, name)) as [string, string, string];
  for (const folder of [bin, plan, secret]) mkdirSync(folder);
  const main = join(repository, 'src/cli/main.js');
  const quoted = (word: string): string => `'${word}'`;
  writeFileSync(
    join(bin, 'tunnelite'),
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@" ${LESS.map(quoted).join(' ')}\n`,
    {
      mode: 0o755,
    },
  );
  // What the ConfigMap and the Secret are made of.
  writeFileSync(join(plan, 'plan.yaml'), text('workers.yaml'));
  const token = await spawnCli(['token'], { env }).ended;
  writeFileSync(join(secret, 'token'), token.out, { mode: 0o600 });
  const status = JSON.parse((await spawnCli(['status', '--json'], { env }).ended).out) as StatusJson;
  writeFileSync(join(secret, 'ca.pem'), readFileSync(join(data, 'certs/ca.pem')));
  const place = (word: string): string =>
    word.replaceAll(' /plan/', ` ${plan}/`).replaceAll(' /secret/', ` ${secret}/`);
  const work = (index: number, startAt: string) =>
    printed(command.map(place), {
      ...process.env,
      ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
      PATH: `${bin}:${process.env.PATH}`,
      GATEWAY: gatewayOf(status),
      START_AT: startAt,
      JOB_COMPLETION_INDEX: String(index),
    });
  const { ended } = await atOnce((startAt) =>
    Promise.all(Array.from({ length: spec.completions }, (_, index) => work(index, startAt))),
  );
  // As `kubectl logs | tail -n 1` gives it.
  t.match(source, 'kubectl logs "$pod" | tail -n 1 > "results/');
  const results = ended.map(({ err }, i) => {
    const file = join(data, `${i}.json`);
    writeFileSync(file, err.trimEnd().split('\n').at(-1)!);
    return file;
  });
  t.match(source, 'tunnelite load merge results/*.json --html report.html --junit junit.xml');
  const outputs = ['--html', join(data, 'report.html'), '--junit', join(data, 'junit.xml')];
  const merged = await cli(['load', 'merge', ...results, ...outputs, '--json']);
  checkMerged(t, JSON.parse(merged.out) as LoadResult, spec.completions);
});

interface StatusJson {
  readonly gateway?: unknown;
  readonly urls?: { readonly gateway: string };
}

/** `host:port` of the running instance. */
function gatewayOf(status: StatusJson): string {
  const [, place] = /https:\/\/([\w.-]+:\d+)/.exec(JSON.stringify(status.urls?.gateway ?? status.gateway)) ?? [];
  if (place === undefined) throw new Error(`no gateway in ${JSON.stringify(status)}`);
  return place;
}

/** What a command prints on both of its streams, as the log of a container has it. */
async function printed(
  [program, ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly err: string }> {
  const child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let err = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (err += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, err };
}
