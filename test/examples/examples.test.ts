import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';
import { cli } from '../support/cli.ts';

const repository = join(import.meta.dirname, '../..');
const example = (name: string): string => join(repository, 'examples', name);

t.test('the in-process example runs as it is', async (t) => {
  const out = execFileSync(process.execPath, [example('in-process.ts')], { encoding: 'utf8', timeout: 60_000 });
  t.match(out, /^connected as 169\.254\.\d+\.\d+$/m);
  t.match(out, /intranet\.contoso\.internal .*: allow/);
  t.match(out, /expired/);
});

t.test('the example configurations are valid', async (t) => {
  t.match(loadConfig({ file: example('tunnelite.yaml') }).config.gateway.names, ['tunnel.example.com', '192.0.2.10']);
  const graph = loadConfig({ file: example('microsoftTunnelConfiguration.json') });
  t.same(graph.warnings, []);
  t.match(graph.config.gateway, { port: 443, sessionTimeout: 300 });
});

t.test('the commands in the example workflow and in the README exist, with their options', async (t) => {
  const workflow = parse(readFileSync(example('github-actions.yaml'), 'utf8')) as {
    jobs: { connect: { steps: { run?: string }[] } };
  };
  const texts = [
    ...workflow.jobs.connect.steps.map((step) => step.run ?? ''),
    readFileSync(join(repository, 'README.md'), 'utf8'),
  ].join('\n');
  const calls = [
    ...texts.matchAll(/(?:npx tunnelite|npm run -s tunnelite --|exec tunnelite tunnelite) ([^\n`>&#|]+)/g),
  ];
  t.ok(calls.length >= 6);
  for (const [, rest] of calls) {
    const words = rest!.trim().split(/\s+/);
    // Refused words end with 2; help is asked for so that nothing runs.
    const command = words.filter((word, i) => i === 0 || word.startsWith('-'));
    const { code, err } = await cli([command[0]!, '--help']);
    t.equal(code, 0, err);
    const help = (await cli([command[0]!, '--help'])).out;
    for (const option of command.slice(1)) t.ok(help.includes(option.replace(/=.*/, '')), `${rest}: ${option}`);
  }
});

t.test('files that the README links to are there', async (t) => {
  for (const page of ['README.md', 'docs/architecture.md', 'docs/configuration.md', 'certs/README.md']) {
    const text = readFileSync(join(repository, page), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      t.ok(existsSync(join(repository, page, '..', target!)), `${page}: ${target}`);
    }
  }
});
