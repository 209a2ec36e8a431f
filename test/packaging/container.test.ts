import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { root } from '../../src/cli/root.ts';
import { CONFIG_KEYS, defaultConfig } from '../../src/config/index.ts';

const repository = join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(repository, name), 'utf8');
const dockerfile = read('Dockerfile');
const compose = parse(read('docker-compose.yml')) as {
  services: { tunnelite: { ports: string[]; build: string; read_only: boolean; cap_drop: string[] } };
};

t.test('the image runs as an ordinary user and checks its health with our own command', async (t) => {
  t.match(dockerfile, /^USER node$/m);
  t.match(dockerfile, /^HEALTHCHECK .*CMD \["tunnelite", "healthcheck"\]$/m);
  t.ok('healthcheck' in (root.subCommands ?? {}));
  t.match(dockerfile, /^ENTRYPOINT \["tunnelite"\]\nCMD \["start"\]$/m);
});

t.test('base images are named without a registry host', async (t) => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]!);
  t.equal(bases.length, 2);
  for (const base of bases) t.match(base, /^[a-z0-9-]+:[\w.-]+$/);
});

t.test('the variables that the image sets are ones that are read', async (t) => {
  const known = new Set(CONFIG_KEYS.map((key) => key.variable));
  const set = [...dockerfile.matchAll(/\b(TUNNELITE_\w+)=/g)].map((match) => match[1]!);
  t.ok(set.length >= 4);
  for (const variable of set) t.ok(known.has(variable), variable);
});

t.test('what is copied into the image is let through by .dockerignore, and nothing secret is', async (t) => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  t.match(read('.dockerignore'), /^\*$/m);
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]!.split(' '));
  for (const source of sources) {
    t.ok(allowed.includes(source), source);
    t.ok(existsSync(join(repository, source)), source);
  }
  t.notOk(allowed.some((name) => /cert|\.git|\.env/.test(name)));
});

t.test('compose publishes every default port, on loopback only, and takes privileges away', async (t) => {
  const { tunnelite } = compose.services;
  const { gateway, identity, admin } = defaultConfig();
  const wanted = [`${gateway.port}/tcp`, `${gateway.port}/udp`, `${identity.port}/tcp`, `${admin.port}/tcp`];
  for (const port of wanted) {
    t.ok(
      tunnelite.ports.some((entry) => entry.startsWith('127.0.0.1:') && entry.endsWith(`:${port}`)),
      port,
    );
    const exposed = new RegExp(`^EXPOSE .*\\b${port}\\b`, 'm');
    t.match(dockerfile, exposed);
  }
  t.match(tunnelite, { read_only: true, cap_drop: ['ALL'] });
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
