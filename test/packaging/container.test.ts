import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { root } from '../../src/cli/root.ts';
import { CONFIG_KEYS, resolveConfig } from '../../src/config/index.ts';
import { commandOf, copiedBy, stagesOf, variablesOf } from '../support/dockerfile.ts';

const repository = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(repository, name), 'utf8');
const stages = stagesOf(read('Dockerfile'));
const image = stages.at(-1)!;
const compose = parse(read('docker-compose.yml')) as {
  services: { tunnelite: Record<string, unknown> & { ports: string[]; volumes: string[]; hostname: string } };
  volumes: Record<string, unknown>;
};
const { tunnelite } = compose.services;

t.test('the image runs as an ordinary user and checks its health with our own command', async (t) => {
  t.strictSame(
    image.filter(({ name }) => name === 'USER').map(({ text }) => text),
    ['node'],
  );
  t.strictSame(commandOf(image, 'HEALTHCHECK'), ['tunnelite', 'healthcheck']);
  t.ok('healthcheck' in (root.subCommands ?? {}));
  t.strictSame([...commandOf(image, 'ENTRYPOINT'), ...commandOf(image, 'CMD')], ['tunnelite', 'start']);
});

t.test('base images are named without a registry host', async (t) => {
  t.equal(stages.length, 2);
  for (const [from] of stages) t.match(from!.text, /^[a-z0-9-]+:[\w.-]+(?: AS \w+)?$/);
});

t.test('the variables that the image sets are ones that are read', async (t) => {
  const known = new Set(CONFIG_KEYS.map((key) => key.variable));
  const set = Object.keys(variablesOf(image)).filter((name) => name.startsWith('TUNNELITE_'));
  t.ok(set.length >= 4);
  for (const variable of set) t.ok(known.has(variable), variable);
});

t.test('the image keeps compiled code where compose lets it write, though all else is read-only', async (t) => {
  const { NODE_COMPILE_CACHE: folder = '' } = variablesOf(image);
  t.ok((tunnelite.tmpfs as string[]).some((place) => folder.startsWith(`${place}/`)));
});

t.test('what is copied into the image is let through by .dockerignore, and nothing secret is', async (t) => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  t.match(read('.dockerignore'), /^\*$/m);
  const sources = stages.flatMap(copiedBy);
  t.ok(sources.length >= 8);
  for (const source of sources) {
    t.ok(allowed.includes(source), source);
    t.ok(existsSync(join(repository, source)), source);
  }
  t.notOk(allowed.some((name) => /cert|\.git|\.env/.test(name)));
});

t.test('compose publishes every default port, on loopback only, and takes privileges away', async (t) => {
  const { gateway, identity, admin } = resolveConfig();
  const wanted = [`${gateway.port}/tcp`, `${gateway.port}/udp`, `${identity.port}/tcp`, `${admin.port}/tcp`];
  t.strictSame(
    tunnelite.ports,
    wanted.map((port) => `127.0.0.1:${Number.parseInt(port, 10)}:${port}`),
  );
  const exposed = image.find(({ name }) => name === 'EXPOSE')?.text.split(' ');
  t.strictSame(exposed, wanted);
  t.match(tunnelite, { read_only: true, cap_drop: ['ALL'] });
});

const listOf =
  (item: RegExp) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && item.test(one));
const text =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === 'string' && pattern.test(value);
const flag = (value: unknown): boolean => typeof value === 'boolean';

/** The members of a service that the file uses, each as the Compose Specification has it (05-services.md). */
const SERVICE: Readonly<Record<string, (value: unknown) => boolean>> = {
  build: text(/^\.$/),
  image: text(/^[a-z0-9._/-]+(?::[\w.-]+)?$/),
  // RFC 1123.
  hostname: text(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
  init: flag,
  read_only: flag,
  cap_drop: listOf(/^[A-Z_]+$/),
  security_opt: listOf(/^[a-z-]+:\w+$/),
  // [HOST:]CONTAINER[/PROTOCOL]
  ports: listOf(/^(?:\d+\.\d+\.\d+\.\d+:)?\d{1,5}:\d{1,5}\/(?:tcp|udp)$/),
  // VOLUME:CONTAINER_PATH[:ACCESS_MODE]
  volumes: listOf(/^[a-z]\w*:\/\w+(?::r[ow])?$/),
  tmpfs: listOf(/^\/\w+$/),
};

t.test('the compose file has nothing but what the Compose Specification knows, in its form', async (t) => {
  t.strictSame(Object.keys(compose).sort(), ['services', 'volumes']);
  t.strictSame(Object.keys(compose.services), ['tunnelite']);
  for (const [name, value] of Object.entries(tunnelite)) {
    t.ok(Object.hasOwn(SERVICE, name) && SERVICE[name]!(value), `${name}: ${JSON.stringify(value)}`);
  }
  for (const [name, settings] of Object.entries(compose.volumes)) t.equal(settings, null, name);
});

t.test('what the image keeps is in the volume, and what it may write to besides is not on the image', async (t) => {
  const [source, target] = tunnelite.volumes[0]!.split(':') as [string, string];
  t.strictSame(tunnelite.volumes.length, 1);
  t.strictSame(Object.keys(compose.volumes), [source]);
  t.strictSame(
    image.filter(({ name }) => name === 'VOLUME').map((one) => one.text),
    [target],
  );
  t.strictSame(image.findLast(({ name }) => name === 'WORKDIR')?.text, target);
  t.ok(variablesOf(image).TUNNELITE_CERTS_DIRECTORY?.startsWith(`${target}/`));
  t.match(tunnelite, { tmpfs: ['/tmp'] });
});

const hasCompose = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0;
t.test(
  'docker accepts the compose file',
  { skip: hasCompose ? false : 'docker compose is not installed' },
  async (t) => {
    const text = execFileSync('docker', ['compose', 'config'], { cwd: repository, encoding: 'utf8' });
    t.match(text, /tunnelite/);
  },
);
