/** Facts that several pages state, or that come from somewhere else: versions, figures, variables, addresses, file modes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { MAX_CONFIG_BYTES, MAX_ROUTE_RULES, OTHER_VARIABLES } from '../../src/config/constants.ts';
import { CONFIG_KEYS, resolveConfig } from '../../src/config/index.ts';
import { startSimulator } from '../../src/index.ts';
import { stagesOf, variablesOf } from '../support/dockerfile.ts';
import { pages, REPOSITORY } from '../support/documents/markdown.ts';

const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
const all = pages().map(({ path }) => ({ path, text: read(path) }));
const page = (path: string): string => all.find((one) => one.path === path)!.text;
/** The cells of a row that begins with a name. */
const row = (text: string, name: string): string[] => {
  const line = text.split('\n').find((one) => one.startsWith(`| ${name}`));
  if (line === undefined) throw new Error(`There is no row ${name}`);
  return line.split(/(?<!\\)\|/).map((cell) => cell.trim());
};

const defaults = resolveConfig({});

interface Package {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly devDependencies: Readonly<Record<string, string>>;
}
const own = JSON.parse(read('package.json')) as Package;
const oldest = /^>=([\d.]+)$/.exec(own.engines.node)![1]!;
/** The oldest Node.js whose npm installs a clone: the repository has its own Node.js to run. */
const TO_CLONE = '20';

t.test('the versions of Node.js are the same on every page, and those of package.json', async (t) => {
  let count = 0;
  for (const { path, text } of all) {
    // What Artillery itself needs is a fact about Artillery.
    for (const [whole, version] of text.matchAll(/(?<!Artillery needs )Node\.js (\d+(?:\.\d+)*) or later/g)) {
      count++;
      t.ok([oldest, TO_CLONE].includes(version!), `${path}: ${whole}`);
      if (version === TO_CLONE) t.match(text, /npm ci/, `${path} is about a clone`);
    }
    t.notMatch(text, /Node(?:\.js)? (?:≥|>=)/, path);
  }
  t.ok(count >= 4, `${count}`);
  for (const name of readdirSync(join(REPOSITORY, 'packages'))) {
    const { engines } = JSON.parse(read(`packages/${name}/package.json`)) as Package;
    t.equal(engines.node, own.engines.node, name);
  }
  const { node } = own.devDependencies;
  const major = node!.split('.')[0]!;
  t.match(read('Dockerfile'), new RegExp(`^FROM node:${major}-slim`, 'm'));
  t.match(read('examples/github-actions.yaml'), `node-version: ${major}\n`);
  t.match(page('docs/how-to/azure-pipelines.md'), `version: ${major}.x`);
  t.match(page('docs/how-to/gitlab.md'), `image: node:${major}\n`);
});

t.test('the versions in compatibility.md are those that tests run with', async (t) => {
  const text = page('docs/reference/compatibility.md');
  const script = read('scripts/check-node-versions.ts');
  const list = (name: string): string[] => {
    const words = new RegExp(`const ${name} = .*?\\[('[^\\]]+)\\]`).exec(script)![1]!;
    return words.split(', ').map((word) => word.replaceAll("'", ''));
  };
  const [first, newest, next] = list('SUPPORTED');
  t.equal(first, `${oldest}.0`, 'the oldest one is tried');
  t.ok(text.includes(`| ${oldest}, the newest ${newest}, and ${next} |`), 'those between');
  t.ok(text.includes(`| ${list('TOO_OLD').toReversed().join(' and ')} |`), 'those that are too old');
  const major = (name: string): string => own.devDependencies[name]!.replace(/^npm:.*@/, '').split('.')[0]!;
  t.ok(text.includes(`| ${major('node')} (in the repository`), 'the one of the repository');
  t.ok(text.includes(`tap ${major('tap')}, Mocha ${major('mocha')} |`), 'test runners');
  const browsers = ['msal-browser-2', 'msal-browser-3', '@azure/msal-browser'].map(major);
  t.ok(text.includes(`MSAL.js ${browsers.slice(0, 2).join(', ')} and ${browsers[2]} in Chromium`), 'MSAL');
  const installed = /^packages=\(([^)]+)\)/m.exec(read('.ci/run'))![1]!;
  for (const name of ['openconnect', 'ocserv', 'curl', 'chromium', 'openssl', 'python3-msal', 'prometheus', 'tshark']) {
    t.match(installed, new RegExp(`\\b${name}\\b`), `${name} is installed where all tests run`);
  }
});

t.test('the name of the packed file has the version of package.json', async (t) => {
  let count = 0;
  for (const { path, text } of all) {
    for (const [, version] of text.matchAll(/tunnelite-(\d[\w.-]*)\.tgz/g)) {
      count++;
      t.equal(version, own.version, path);
    }
  }
  t.ok(count > 1);
});

/** The first and the last number of a text such as "40 to 65 KiB". */
const range = (text: string): [number, number] => {
  const [, from, to] = /(\d+) to (\d+)/.exec(text)!;
  return [Number(from), Number(to)];
};
const figures = (name: RegExp, column: number): number[] =>
  page('docs/explanation/benchmarks.md')
    .split('\n')
    .filter((line) => name.test(line))
    .map((line) => Number.parseFloat(line.split('|')[column]!.replaceAll(',', '')));

t.test('the figures in capacity.md are those of the benchmarks', async (t) => {
  const text = page('docs/reference/capacity.md');
  const within = (found: readonly number[], [from, to]: [number, number], what: string): void => {
    t.ok(found.length > 1, what);
    t.equal(Math.round(Math.min(...found)), from, `${what}: the least`);
    t.ok(Math.max(...found) <= to && Math.max(...found) > to - 5, `${what}: the most is ${Math.max(...found)}`);
  };
  const [, , sessions = ''] = row(text, 'Sessions');
  const sizes = [...page('docs/explanation/benchmarks.md').matchAll(/^\| RSS KiB per session, ([\d,]+)/gm)];
  const most = Math.max(...sizes.map(([, size]) => Number(size!.replaceAll(',', ''))));
  t.match(sessions, new RegExp(`^${most.toLocaleString('en')} measured`));
  const [, , memory = ''] = row(text, 'Memory of a session');
  const [tls = '', dtls = ''] = memory.split(',');
  within(figures(/^\| RSS KiB per session, .* on TLS/, 2), range(tls), 'on TLS');
  within(figures(/^\| RSS KiB per session, .* with DTLS/, 2), range(dtls), 'with DTLS');
  const [, , clients = ''] = row(text, 'Clients of one load generator');
  const each = [
    ...figures(/^\| a client (?:on TLS|with DTLS) \| \d+\.\d \|/, 2),
    ...figures(/^\| clients (?:on|with)/, 4),
  ];
  within(each, range(clients), 'clients');
  t.ok(Math.min(...figures(/^\| D?TLS (?:down|up), Mbit\/s \| \d{4} /, 2)) > 1000, 'more than 1 Gbit/s');
  t.ok(Math.min(...figures(/^\| logins per second/, 2)) > 300, 'several hundred logins');
});

t.test('the limits in capacity.md are those of the code', async (t) => {
  const text = page('docs/reference/capacity.md');
  const stated = (name: string): string => row(text, name)[2]!;
  const constant = (path: string, name: string): number =>
    Number(new RegExp(`\\b${name} = ([\\d_]+);`).exec(read(path))![1]!.replaceAll('_', ''));
  t.match(stated('Sessions'), `${defaults.gateway.maxSessions.toLocaleString('en')} by default`);
  t.match(stated('Events in the journal'), `${defaults.journal.capacity.toLocaleString('en')} in memory`);
  t.equal(stated('Followers of the journal'), String(constant('src/admin/routes/journal-streams.ts', 'MAX_READERS')));
  t.match(stated('Captures'), `${constant('src/capture/hub.ts', 'MAX_CAPTURES')}, with 1 GiB`);
  t.match(read('src/capture/hub.ts'), /max: 1024 \* 1024 \* 1024 \}/);
  t.equal(stated('Configuration file'), `${MAX_CONFIG_BYTES / 2 ** 20} MiB`);
  t.match(stated('Routes'), new RegExp(`^${MAX_ROUTE_RULES},`));
});

t.test('the time of a DTLS record is the same wherever the benchmarks have it', async (t) => {
  const text = page('docs/explanation/benchmarks.md');
  const [, , before = '', after = ''] = row(text, 'seal + open of a record of 1400 bytes');
  const [, , , ratio = ''] = row(text, 'seal + open of a record alone');
  t.match(ratio, `${(Number.parseFloat(before) / Number.parseFloat(after)).toFixed(1)} × the time`);
});

t.test('every variable that the code reads is on a page, and is one that the configuration knows', async (t) => {
  const known = new Set<string>([...CONFIG_KEYS.map(({ variable }) => variable), ...OTHER_VARIABLES]);
  const text = all.map((one) => one.text).join('\n');
  for (const name of known) t.ok(new RegExp(`\\b${name}\\b`).test(text), `${name} is on a page`);
  const sources = readdirSync(join(REPOSITORY, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.[jt]s$/.test(path),
  );
  t.ok(sources.length > 500);
  for (const path of sources) {
    for (const [name] of read(join('src', path)).matchAll(/\bTUNNELITE_[A-Z0-9_]*[A-Z0-9]\b/g)) {
      t.ok(known.has(name), `${path}: ${name}`);
    }
  }
});

t.test('listeners are on loopback, in the image on all addresses, and published on loopback only', async (t) => {
  for (const { host } of [defaults.gateway, defaults.identity, defaults.admin]) t.equal(host, '127.0.0.1');
  const image = variablesOf(stagesOf(read('Dockerfile')).at(-1)!);
  for (const part of ['GATEWAY', 'IDENTITY', 'ADMIN']) t.equal(image[`TUNNELITE_${part}_HOST`], '0.0.0.0', part);
  const { services } = parse(read('docker-compose.yml')) as { services: Record<string, { ports: string[] }> };
  for (const port of services.tunnelite!.ports) t.match(port, /^127\.0\.0\.1:/);
  for (const path of ['docs/explanation/security.md', 'docs/how-to/docker-in-ci.md']) {
    t.match(
      page(path).replaceAll(/\s+/g, ' '),
      /on all addresses.*`docker-compose\.yml` publishes (?:them|the ports) on the host's loopback only/,
      path,
    );
  }
});

t.test('who may read the files of certs is as its page has it', { skip: process.platform === 'win32' }, async (t) => {
  const directory = t.testdir();
  await using _ = await startSimulator({ certs: { directory } });
  const files = readdirSync(directory);
  t.ok(files.length > 3);
  const rows = page('certs/README.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  for (const file of files) {
    const line =
      rows.find((one) => new RegExp(one.split('`')[1]!.replace('.', '\\.').replace('*', '.*')).test(file)) ??
      rows.find((one) => /…/.test(one))!;
    const mode = statSync(join(directory, file)).mode & 0o777;
    t.equal(
      mode & 0o004 ? 'everyone' : 'you',
      line.split('|')[3]!.trim().split(' ')[0],
      `${file}: ${mode.toString(8)}`,
    );
  }
});

t.test('the survivors that are judged equivalent are on their page, with the reasons of the list', async (t) => {
  const list = JSON.parse(read('test/mutation/equivalent.json')) as readonly Record<'file' | 'why', string>[];
  const text = page('docs/explanation/testing-ourselves.md');
  const rows = text.split('\n').filter((line) => /^\| `[\w-]+\/.*\.ts` \|/.test(line));
  t.equal(rows.length, list.length);
  for (const { file, why } of list) {
    t.ok(
      rows.some((line) => line.startsWith(`| \`${file.replace('src/', '')}\``) && line.endsWith(`| ${why} |`)),
      `${file}: ${why}`,
    );
  }
});
