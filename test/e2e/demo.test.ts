import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli } from '../support/cli.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

t.setTimeout(120_000);

interface Report {
  readonly milliseconds: number;
  readonly chapters: readonly {
    readonly action: string;
    readonly title: string;
    readonly outcome: string;
    readonly milliseconds: number;
  }[];
}

t.test('the demo tells all actions, the loss of UDP and a refusal, and ends with a table', async (t) => {
  const { code, out, err } = await cli(['demo']);
  t.equal(code, 0, err);
  for (const label of ['0  ', '1  ', '1a ', '2  ', '3  ', '4a ', '4b '])
    t.match(out, new RegExp(`^${label} \\S`, 'm'), `action ${label.trim()}`);
  t.match(out, /The DTLS handshake is complete \(TLS_PSK_WITH_AES_256_GCM_SHA384\): UDP carries the packets/);
  t.match(out, /HTTP 200/);
  t.match(out, /You reached the on-premises network through the tunnel/);
  t.match(out, /\d+ datagrams were lost\. After [\d.]+ s data goes over TLS/);
  t.match(out, /The same download goes on: .* and was not interrupted/);
  t.match(out, /UDP carries the packets again/);
  t.match(out, /every byte correct/);
  t.match(out, /Entra ID refuses: AADSTS50057/);
  t.match(out, /the gateway also refuses the old token, with 401/);
  const table = out.slice(out.indexOf('\nAction  What'));
  t.match(table, /^1a {6}A token is reused +\d+ (ms|s) +Entra ID was not asked again$/m);
  t.equal(err, '');
  const lines = out.split('\n');
  t.notOk(lines.find((line) => /undefined|NaN|\[object/.test(line)));
  t.notOk(
    lines.find((line) => line.includes('\u001b')),
    'no colours where it is no terminal',
  );
});

/** A line without what differs from run to run: figures, their units, ids, and the width of columns. */
const shapeOf = (line: string): string =>
  line
    .replace(/Session: \w+/, 'Session: #')
    .replaceAll(/\b\d[\w.:-]*/g, '#')
    .replaceAll(/# (?:ms|s|min|h)\b/g, '# s')
    .replaceAll(/\s+/g, ' ');

t.test('the picture of the demo, and README.md, have the lines that the demo prints', async (t) => {
  const { out } = await cli(['demo']);
  const printed = out
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map(shapeOf);
  const picture = readFileSync(join(REPOSITORY, 'docs/images/demo.svg'), 'utf8');
  const shown = [...picture.matchAll(/<text [^>]*>([^<]*)<\/text>/g)]
    .map(([, text]) =>
      text!.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    )
    .filter((line) => !line.startsWith('$ '));
  t.ok(shown.length > 40);
  const again = `if not: node src/cli/main.js demo | node scripts/pictures/terminal.ts demo 'npm run demo'`;
  t.equal(shown.length, printed.length, again);
  for (const [index, line] of shown.entries()) {
    // A long line is cut, perhaps within a figure.
    const cut = line.endsWith('…') ? shapeOf(line.replace(/ \S*…$/, '')) : undefined;
    t.ok(cut === undefined ? printed[index] === shapeOf(line) : printed[index]?.startsWith(cut), `${line}: ${again}`);
  }
  const [, block = ''] = /```text\n(2 {3}[^`]+)```/.exec(readFileSync(join(REPOSITORY, 'README.md'), 'utf8')) ?? [];
  const quoted = block
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '…');
  t.ok(quoted.length > 5);
  for (const line of quoted) t.ok(shown.includes(line), `README.md has the line of the picture: ${line}`);
});

t.test('as JSON it is what became of each part', async (t) => {
  const { code, out, err } = await cli(['demo', '--json']);
  t.equal(code, 0, err);
  const { chapters } = JSON.parse(out) as Report;
  t.strictSame(
    chapters.map(({ action, title }) => action || title),
    ['0', '1', '1a', '2', '3', '4a', '4b', 'UDP is blocked', 'UDP is back', 'The user is revoked'],
  );
  t.match(chapters.at(-1)!.outcome, 'AADSTS50057');
});

t.test('the demo of policies ends with the page, and tells what is seen without each of them', async (t) => {
  const { code, out, err } = await cli(['demo', '--policies']);
  t.equal(code, 0, err);
  t.match(out, /POST \/deviceAppManagement\/iosManagedAppProtections: “Protection of com\.contoso\.lob” is T_/);
  for (const action of ['0', '1', '2', '3', '4a', '4b']) t.match(out, new RegExp(`^${action} +\\S`, 'm'));
  t.match(out, /HTTP 200\n +\| Contoso Intranet/);
  t.match(out, /Without the trusted certificate profile\n +The tunnel: connected.*\n +The user sees: .*certificate/);
  t.match(out, /Without the app configuration policy\n +The tunnel: not asked/);
  t.match(out, /Without the app protection policy\n +The tunnel: not asked/);
  const { chapters } = JSON.parse((await cli(['demo', '--policies', '--json'])).out) as {
    chapters: { outcome: string }[];
  };
  t.equal(chapters.filter(({ outcome }) => /no page$/.test(outcome)).length, 3);
});
