/** The checks of snippets.test.ts, shown to complain: each of these is a mistake that a page could have. */
import t from 'tap';
import { commandComplaints } from '../support/documents/command-lines.ts';
import { configurationComplaint, settingComplaint } from '../support/documents/configurations.ts';
import { brokenLinks, readPage } from '../support/documents/markdown.ts';
import { nameComplaint, unknownVariables } from '../support/documents/names.ts';
import { compileSnippets } from '../support/documents/programs.ts';
import { shellCommands } from '../support/documents/shell.ts';

t.test('programs with names that are not exported, members that are not there, or loose types', async (t) => {
  const page = readPage(
    'docs/x.md',
    [
      '```ts',
      "import { startSimulator, createNothing } from 'tunnelite';",
      'const sim = await startSimulator({ gateway: { nothing: 5 } });',
      '```',
      '',
      '- in a list',
      '',
      '  ```ts',
      "  import { connect } from 'tunnelite/dtls';",
      '',
      '  connect({ nothing: 1 });',
      '  ```',
      '```js',
      "import { createNetstack } from 'tunnelite/netstack';",
      'createNetstack().nothing();',
      '```',
      '```ts',
      'const half = ;',
      '```',
      '```ts',
      'export function f(loose) { return loose; }',
      '```',
      '```ts',
      "import { startSimulator } from 'tunnelite';",
      'const sim = await startSimulator();',
      '```',
    ].join('\n'),
  );
  const complaints = compileSnippets(page.blocks);
  const expected = [
    /^docs\/x\.md:2: .*no exported member 'createNothing'.*TS2305/,
    /^docs\/x\.md:3: .*'nothing' does not exist/,
    /^docs\/x\.md:11: .*'nothing' does not exist/,
    /^docs\/x\.md:15: Expected 1 arguments/,
    /^docs\/x\.md:15: .*'nothing' does not exist/,
    /^docs\/x\.md:18: Expression expected/,
    /^docs\/x\.md:21: .*implicitly has an 'any' type/,
  ];
  t.equal(complaints.length, expected.length, complaints.join('\n'));
  for (const pattern of expected)
    t.ok(
      complaints.some((one) => pattern.test(one)),
      `${pattern}\n${complaints.join('\n')}`,
    );
});

t.test('configurations with unknown keys or values', async (t) => {
  t.equal(configurationComplaint('gateway: { dpd: 5 }'), undefined);
  t.match(configurationComplaint('gateway: { dpt: 5 }'), /"dpt" is not a key here/);
  t.match(configurationComplaint('{ "log": { "level": "loud" } }'), /log\.level/);
  t.match(configurationComplaint('gateway: ['), /snippet\.yaml:\d/);
  const tenant = 'tenants: [{ id: 11111111-2222-4333-8444-555555555555, domains: [contoso.com] }]';
  t.equal(configurationComplaint(tenant, 'identity.directory'), undefined);
  t.match(configurationComplaint(tenant.replace('domains', 'domain'), 'identity.directory'), /"domain" is not a key/);
  t.match(settingComplaint('gateway.bearerPrefix', 'strickt'), /bearerPrefix/);
});

t.test('command lines with commands, options, values, scripts or files that are not there', async (t) => {
  const fine = [
    'tunnelite token --user bob@contoso.com --json > token.jwt 2>&1',
    'npm run -s tunnelite -- token --claim acct=1 --claim \'groups=["a","b"]\' # a comment: tunnelite nothing',
    'npx tunnelite start --port 0 --json > tunnelite.json &',
    'npm start -- --port 0 --set gateway.dpd=30',
    'docker compose exec -T tunnelite tunnelite token | cut -c 1-10',
    'node --expose-gc bench/netstack/main.ts && npm test',
    'someone --else',
  ];
  for (const text of fine) t.same(await commandComplaints(text, true), [], text);
  const wrong: [string, RegExp][] = [
    ['tunnelite tokens', /no command tokens/],
    ['npx tunnelite token --users alice', /no option --users/],
    ['sudo npm run -s tunnelite -- token --wrong odd', /no wrong token odd/],
    ['npm start -- --prot 0', /no option --prot/],
    ['npm start -- --set gateway.dpt=30', /"dpt" is not a key/],
    ['TOKEN=$(npx tunnelite token --nothing) && echo', /no option --nothing/],
    ['docker compose exec tunnelite tunnelite token --nothing', /no option --nothing/],
    ['until tunnelite healthcheck --nothing; do sleep 0.1; done', /no option --nothing/],
    ['tunnelite \\\n  start \\\n  --nothing', /no option --nothing/],
    ['npm run nothing', /no npm script nothing/],
    ['node bench/nothing.ts', /there is no bench\/nothing\.ts/],
  ];
  for (const [text, pattern] of wrong) t.match((await commandComplaints(text, true)).join(), pattern, text);
});

t.test('shell texts are taken apart as a shell does', async (t) => {
  t.same(shellCommands(`a 'b c' "d \\" e"f | g > h.txt 2>&1; i && j # k\nl=$(m "n)" | o) p`), [
    ['a', 'b c', 'd " ef'],
    ['g'],
    ['i'],
    ['j'],
    ['m', 'n)'],
    ['o'],
    ['p'],
  ]);
  t.throws(() => shellCommands("echo 'open"));
});

t.test('names in prose that nothing has', async (t) => {
  for (const text of [
    'gateway.dpd',
    'gateway.bans',
    'gateway.dpd: 30',
    'auth.refused',
    'src/index.ts',
    'gateway.pem',
  ]) {
    t.equal(nameComplaint(text), undefined, text);
  }
  for (const text of ['gateway.dpt', 'gateway.dpd: soon', 'identity.nothing=1', 'ERR_NOTHING', 'src/nothing.ts']) {
    t.type(nameComplaint(text), 'string', text);
  }
  t.same(unknownVariables('TUNNELITE_GATEWAY_PORT=1 TUNNELITE_CONFIG TUNNELITE_ACCELERATION=0'), []);
  t.same(unknownVariables('TUNNELITE_GATEWAY_PROT=1'), ['TUNNELITE_GATEWAY_PROT']);
});

t.test('links to files or headings that are not there, and blocks that no check would see', async (t) => {
  const page = readPage(
    'docs/x.md',
    '# A `b` & C\n## Twice\n## Twice\n[1](#a-b--c) [2](#twice-1) [3](#thrice) [4](nothing.md) [5](../README.md#nothing) [6](https://x.invalid/)',
  );
  const readme = readPage('README.md', '# Tunnelite\n');
  t.same(brokenLinks(page, [page, readme]), [
    'docs/x.md:4: docs/x.md has no heading #thrice',
    'docs/x.md:4: there is no docs/nothing.md',
    'docs/x.md:4: README.md has no heading #nothing',
  ]);
  t.match(readPage('docs/x.md', 'A certificate of <host>.local.\n').complaints, [/<host> is HTML/]);
  t.match(readPage('docs/x.md', '`--config \\<file>`\n').complaints, [/backslash/]);
  t.same(readPage('docs/x.md', '`<host>`, \\<host>, <https://contoso.com>, a < b > c\n').complaints, []);
  t.match(readPage('docs/x.md', 'So:\n\n    npm test\n').complaints, [/by indentation/]);
  t.same(readPage('docs/x.md', '- So:\n\n    npm test\n').complaints, []);
  t.match(readPage('docs/x.md', '```ts\nlet a;\n').complaints, [/without an end/]);
});
