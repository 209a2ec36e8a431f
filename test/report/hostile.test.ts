import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { packReport, Redactor, readReport, secretsOf, serveReport, unpackReport } from '../../src/report/index.ts';
import { readTar, writeTar } from '../../src/report/ustar.ts';

t.setTimeout(120_000);

const MANIFEST = { version: '1', node: 'v24', platform: 'linux', createdAt: 1_700_000_000_000 };
const redactor = new Redactor([]);

const good = () =>
  packReport({
    manifest: MANIFEST,
    events: [],
    answers: new Map([['/api/status', { a: 1 }]]),
    metrics: '# x\n',
    redactor,
  });

function archive(parts: Record<string, string>): Buffer {
  return gzipSync(
    writeTar(
      Object.entries(parts).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
      0,
    ),
  );
}
const withAnswer = (json: string) =>
  archive({
    ...PARTS,
    'report.json': JSON.stringify({ format: 1, ...MANIFEST, answers: ['/api/status'] }),
    'rest/0.json': json,
  });
const PARTS = {
  'report.json': JSON.stringify({ format: 1, ...MANIFEST, answers: [] }),
  'journal.ndjson': '',
  'metrics.txt': '',
};

t.test('files that are no reports are refused in words, and cost little', async (t) => {
  const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024));
  t.ok(bomb.length < 400_000);
  const event = (seq: number) =>
    JSON.stringify({ seq, time: 1, name: 'simulator.closed', level: 'info', text: '', fields: {} });
  const named = writeTar([{ name: 'aaaaaaaaaaaaaa', bytes: Buffer.from('x') }], 0);
  const renamed = (name: string, type = '0'): Buffer => {
    const copy = Buffer.from(named);
    copy.fill(0, 0, 100).write(name, 0, 'latin1');
    copy.write(type, 156, 'latin1');
    let sum = 8 * 32;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += copy[i]!;
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return gzipSync(copy);
  };
  const cases: Record<string, readonly [Buffer, RegExp]> = {
    empty: [Buffer.alloc(0), /unexpected end|incorrect/i],
    text: [Buffer.from('hello'), /incorrect header/],
    bomb: [bomb, /larger than 268435456|Cannot create a Buffer/],
    'JSON that becomes gigabytes': [withAnswer(`[${'{},'.repeat(8_500_000)}0]`), /more than 16000000 values/],
    'JSON that is deep': [withAnswer(`{"a":${'['.repeat(101)}`), /nested more than 100 deep/],
    'a journal that is deep': [
      archive({ ...PARTS, 'journal.ndjson': `{}\n{"fields":${'{"a":'.repeat(100)}` }),
      /nested more than 100 deep/,
    ],
    'cut off': [(await good()).subarray(0, 100), /unexpected end/],
    'no archive': [gzipSync(Buffer.alloc(600, 1)), /checksum/],
    'no parts': [archive({}), /report\.json is missing/],
    'a path upwards': [renamed('../../etc/passwd'), /not a valid name for a part/],
    'an absolute path': [renamed('/etc/passwd'), /not a valid name/],
    'a symbolic link': [renamed('report.json', '2'), /not a regular file/],
    'a part twice': [
      gzipSync(
        writeTar(
          [
            { name: 'a', bytes: Buffer.alloc(1) },
            { name: 'a', bytes: Buffer.alloc(1) },
          ],
          0,
        ),
      ),
      /is repeated/,
    ],
    'broken JSON': [archive({ ...PARTS, 'report.json': '{' }), /JSON/],
    'deep JSON': [archive({ ...PARTS, 'report.json': `${'['.repeat(300_000)}` }), /./],
    'no manifest': [archive({ ...PARTS, 'report.json': 'null' }), /report.json is not valid/],
    'a prototype': [archive({ ...PARTS, 'report.json': '{"__proto__":{"format":1}}' }), /report.json is not valid/],
    'a newer format': [archive({ ...PARTS, 'report.json': '{"format":99}' }), /newer version/],
    'a strange address': [
      archive({
        ...PARTS,
        'report.json': JSON.stringify({ format: 1, ...MANIFEST, answers: ['/api/:id(^a+$)'] }),
        'rest/0.json': '1',
      }),
      /report.json is not valid/,
    ],
    'a missing answer': [
      archive({ ...PARTS, 'report.json': JSON.stringify({ format: 1, ...MANIFEST, answers: ['/api/x'] }) }),
      /rest\/0\.json is missing/,
    ],
    'no events': [archive({ ...PARTS, 'journal.ndjson': 'x\n' }), /Line 1 of the journal/],
    'events of no order': [archive({ ...PARTS, 'journal.ndjson': `${event(2)}\n${event(1)}\n` }), /not in order/],
  };
  for (const [name, [bytes, why]] of Object.entries(cases)) {
    await t.rejects(unpackReport(bytes), { code: 'ERR_REPORT_FILE', message: why }, name);
  }
  t.equal(({} as { format?: number }).format, undefined);
  const folder = t.testdir({ big: '' });
  truncateSync(join(folder, 'big'), 1024 ** 3);
  await t.rejects(
    readReport(join(folder, 'big')),
    { code: 'ERR_REPORT_FILE', message: /1073741824 bytes/ },
    '1 GiB is not read',
  );
  await t.rejects(readReport(folder), { code: 'ERR_REPORT_FILE' }, 'a folder');
  await t.rejects(readReport(join(folder, 'none')), { code: 'ERR_REPORT_FILE', message: /ENOENT/ });
  writeFileSync(join(folder, 'good'), await good());
  t.match(await readReport(join(folder, 'good')), { manifest: MANIFEST, events: [] });
  t.equal(readTar(writeTar([], 0)).size, 0);
});

t.test('of a huge journal the newest part is packed, in turns, and can be read again', async (t) => {
  const event = (seq: number, text: string) =>
    ({ seq, time: 1, name: 'config.refused', level: 'info', text, fields: { code: 'x', explanation: text } }) as const;
  const long = 'x'.repeat(500_000);
  const events = Array.from({ length: 100 }, (_, i) => event(i + 1, long));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  t.teardown(() => clearInterval(timer));
  const pack = (all: readonly object[]) =>
    packReport({ manifest: MANIFEST, events: all as never, answers: new Map(), metrics: '', redactor }).then((packed) =>
      unpackReport(packed),
    );
  const large = await pack(events);
  t.equal(large.events.at(-1)!.seq, 100);
  t.equal(large.events.length + large.manifest.leftOut!, 100);
  t.ok(large.events.length > 50 && large.manifest.leftOut! > 20, `${large.events.length} are in it`);
  const many = await pack(Array.from({ length: 201_000 }, (_, i) => event(i + 1, '')));
  t.strictSame([many.events.length, many.manifest.leftOut, many.events[0]!.seq], [200_000, 1000, 1001]);
  t.ok(turns > 5, 'others had their turn meanwhile');
  t.equal((await pack([event(1, '')])).manifest.leftOut, undefined);
});

t.test('answers that are not what they should be harm nobody who looks at them', async (t) => {
  const hostile = ['/api/sessions', '/api/status', '/api/journal', '/api/report', '/api/x', '/api/sessions/proto'];
  const values = [{ sessions: [null, 1, { id: {} }, { id: '__proto__', username: 'x' }] }, null, 1, 'x', [], true, {}];
  const answers = new Map<string, unknown>(hostile.map((address, i) => [address, values[i]]));
  const report = await unpackReport(
    await packReport({ manifest: MANIFEST, events: [], answers, metrics: '', redactor }),
  );
  const server = await serveReport(report);
  t.teardown(() => server.close());
  const headers = { authorization: `Bearer ${server.secret}` };
  for (const path of [...hostile, '/api/sessions/x', '/api/none', '/api/openapi.json']) {
    const { status } = await fetch(`${server.url}${path}`, { headers });
    t.ok(status < 500, `${path}: ${status}`);
  }
});

t.test('secrets are taken out wherever they stand, and nothing else', async (t) => {
  const made = new Redactor(['tea for two', 'tea']);
  t.equal(made.text('we drink tea for two'), 'we drink [redacted]');
  t.equal(made.text('tea'), 'tea', 'what is too short would be found everywhere');
  for (const text of [
    'GET /x?access_token=abc123&b=1',
    'Authorization: Bearer abc123abc',
    'cookie=abc123; x',
    'webvpn=abc123',
    `CLIENT_RANDOM ${'0'.repeat(64)} abc123${'a'.repeat(96)}`,
    '-----BEGIN PRIVATE KEY-----\nabc123\n-----END PRIVATE KEY-----',
    'eyJhbGciOiJub25lIn0.abc123.abc123',
  ]) {
    t.notMatch(made.text(text), /abc123/, text);
  }
  t.same(
    made.value({
      password: 'x',
      secrets: 1,
      clientSecret: ['a'],
      user: 'bob',
      cookieTimeout: 5,
      nested: { Authorization: 'y' },
    }),
    {
      password: '[redacted]',
      secrets: 1,
      clientSecret: ['[redacted]'],
      user: 'bob',
      cookieTimeout: 5,
      nested: { Authorization: '[redacted]' },
    },
  );
  t.same(
    made.value([
      { name: 'Cookie', value: 'x' },
      { name: 'accept', value: 'x' },
    ]),
    [
      { name: 'Cookie', value: '[redacted]' },
      { name: 'accept', value: 'x' },
    ],
  );
  t.strictSame(secretsOf({ users: [{ password: 'p1', name: 'n' }], list: { clientSecret: ['s1', 's2'] } }), [
    'p1',
    's1',
    's2',
  ]);
  const long = `${'eyJ'.repeat(50_000)} ${'-----BEGIN '.repeat(20_000)} ${'Bearer '.repeat(50_000)} ${'a='.repeat(50_000)}`;
  t.ok(made.text(long).length > 0, 'long texts are no trouble');
});

t.test('brackets within strings, and lines one after another, are not deep', async (t) => {
  const text = JSON.stringify(`\\"${'['.repeat(500)}\\`);
  const report = await unpackReport(withAnswer(`{"a":[${text},[${text}]],"b":${'['.repeat(90)}${']'.repeat(90)}}`));
  t.match(report.answers.get('/api/status'), { a: [String, [String]] });
  const line = JSON.stringify({ seq: 1, time: 1, name: 'simulator.closed', level: 'info', text: '', fields: {} });
  const lines = Array.from({ length: 300 }, (_, i) => line.replace('"seq":1', `"seq":${i + 1}`));
  t.equal((await unpackReport(archive({ ...PARTS, 'journal.ndjson': lines.join('\n') }))).events.length, 300);
});
