import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MAX_CONFIG_BYTES } from '../../src/config/constants.ts';
import { loadConfig } from '../../src/config/index.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';

/** The refusal of a file with this content: code and message, the message without the folder. */
function refusal(t: Test, content: string | Uint8Array): string {
  const folder = t.testdir();
  const file = join(folder, 'a.yaml');
  writeFileSync(file, content);
  try {
    loadConfig({ file });
  } catch (error) {
    if (isTunneliteError(error)) return `${error.code} ${error.message.replaceAll(/\S*\/(?=a\.yaml)/g, '')}`;
    throw error;
  }
  return 'accepted';
}

/** What is refused, and how it is told. */
const SYNTAX: readonly (readonly [what: string, content: string, told: string])[] = [
  ['a tab that indents', 'gateway:\n\tport: 0\n', '2:1: this line is indented with a tab; use spaces.'],
  ['a key that is there twice', 'gateway: { port: 1, port: 2 }\n', '1:21: the key "port" is repeated.'],
  ['a number and a text that are one key', 'a: { 80: x, "80": y }\n', '1:13: the key "80" is repeated.'],
  [
    'two documents',
    'gateway: {}\n---\n{}\n',
    '2:1: a second document begins here; a configuration is one document, without ---.',
  ],
  [
    'a second colon',
    'gateway: port: 0\n',
    '1:10: there is a second colon here, or the indentation differs from the lines around it.',
  ],
  [
    'an alias without an anchor',
    'log: { level: *info }\n',
    '1:15: there is no anchor &info before this alias; put a string that begins with * in quotes.',
  ],
  ['an alias inside its own anchor', 'value: &v\n  value: *v\n', '2:10: the alias *v refers to itself.'],
  [
    'a tag',
    'log: !!set { info }\n',
    '1:6: there is a tag here, which a configuration does not support; put a string that begins with ! in quotes.',
  ],
  [
    'a tag of another language',
    'log: !!js/function "x"\n',
    '1:6: there is a tag here, which a configuration does not support; put a string that begins with ! in quotes.',
  ],
  [
    'an old YAML with a tag that was known there',
    '%YAML 1.1\n---\nlog: !!binary aGk=\n',
    '3:6: there is a tag here, which a configuration does not support; put a string that begins with ! in quotes.',
  ],
];

for (const [what, content, told] of SYNTAX) {
  t.test(`refused with its place, in plain words: ${what}`, async (t) => {
    t.equal(refusal(t, content), `ERR_CONFIG_SYNTAX a.yaml:${told}`);
  });
}

t.test('nesting without end is refused where it is too deep', async (t) => {
  const told = /^ERR_CONFIG_SYNTAX a\.yaml:1:\d+: the nesting is too deep\.$/;
  t.match(refusal(t, '['.repeat(20_000)), told);
  t.match(refusal(t, `{"a":${'{"a":'.repeat(20_000)}`), told);
});

t.test('aliases that blow a file up, or are many, are refused where it becomes too much', async (t) => {
  let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
  for (let i = 1; i < 9; i++)
    text += `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(', ')}]\n`;
  t.match(
    refusal(t, text),
    /^ERR_CONFIG_SYNTAX a\.yaml:\d:\d+: with all aliases expanded, there are more than 1000000 values\.$/,
  );
  const chain = Array.from({ length: 20_000 }, (_, i) => `a${i}: &a${i} ${i ? `[*a${i - 1}]` : '1'}`).join('\n');
  t.match(refusal(t, chain), /^ERR_CONFIG_SYNTAX a\.yaml:1002:\d+: there are more than 1000 aliases; /);
});

t.test('an anchor that is used twice is a convenience like any other', async (t) => {
  t.equal(refusal(t, 'gateway: &on { host: 127.0.0.1, port: 0 }\nidentity: *on\nadmin: *on\n'), 'accepted');
});

t.test('a mistake behind an alias is told at the alias, and at the anchor', async (t) => {
  t.equal(
    refusal(t, 'gateway: &on { port: 99999 }\nadmin: *on\n'),
    'ERR_CONFIG_INVALID a.yaml:1:22 gateway.port: 99999 is out of range. Expected: a whole number from 0 to 65535.\n' +
      'a.yaml:2:8 admin.port: 99999 is out of range. Expected: a whole number from 0 to 65535.',
  );
});

t.test('a byte order mark and line ends of Windows are nothing special', async (t) => {
  t.equal(refusal(t, '\ufeffgateway:\r\n  port: 0\r\n'), 'accepted');
  t.match(refusal(t, '\ufeffgateway:\r\n  prot: 0\r\n'), /^ERR_CONFIG_INVALID a\.yaml:2:3 gateway\.prot: /);
});

t.test('a file in another encoding is refused with the way out', async (t) => {
  const utf16 = Buffer.from('\ufeffgateway: { port: 0 }\n', 'utf16le');
  t.match(
    refusal(t, utf16),
    /^ERR_CONFIG_FILE a\.yaml cannot be read: it is UTF-16, as PowerShell writes it; save it as UTF-8\.$/,
  );
  const latin1 = Buffer.from('log: {}\ngateway: { banner: Grüße }\n', 'latin1');
  t.match(refusal(t, latin1), /^ERR_CONFIG_FILE a\.yaml cannot be read: line 2 is not UTF-8; save it as UTF-8\.$/);
});

t.test('what is no file of a possible size is refused, a device without an end too', async (t) => {
  const told = new RegExp(`cannot be read: it is larger than ${MAX_CONFIG_BYTES} bytes\\.$`);
  t.match(refusal(t, '#'.repeat(MAX_CONFIG_BYTES + 1)), told);
  t.throws(
    () => loadConfig({ file: '/dev/zero' }),
    { code: 'ERR_CONFIG_FILE', message: told },
    { skip: process.platform === 'win32' },
  );
  t.throws(() => loadConfig({ file: t.testdir() }), {
    code: 'ERR_CONFIG_FILE',
    message: /cannot be read: .*directory/,
  });
});

t.test('a configuration may come through a pipe', { skip: process.platform === 'win32' }, async (t) => {
  const program = `
    import { loadConfig } from ${JSON.stringify(join(import.meta.dirname, '../../src/config/index.ts'))};
    console.log(loadConfig({ file: '/dev/stdin' }).config.gateway.dpd);
  `;
  const input = `gateway: { dpd: 7 }\n# ${'x'.repeat(200_000)}\n`;
  // The shell's pipe: what spawn gives a child is a socket, which has no path to open.
  const args = ['-c', 'cat | "$0" --input-type=module --eval "$1"', process.execPath, program];
  const { stdout } = spawnSync('sh', args, { input, encoding: 'utf8', timeout: 30_000 });
  t.equal(stdout, '7\n');
});

t.test('a pipe is not read again: nothing more is in it', { skip: process.platform === 'win32' }, async (t) => {
  const folder = t.testdir({
    'plain.yaml': 'gateway: { dpd: 7 }\n',
  });
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  writeFileSync(join(folder, 'naming.yaml'), `identity: { directory: ${JSON.stringify(pipe)} }\n`);
  // Opened at both ends, so that it can be opened without waiting for anybody, were it read.
  const held = openSync(pipe, constants.O_RDWR);
  writeSync(held, `${'x'.repeat(100)}\n`);
  t.teardown(() => closeSync(held));
  const once = /pipe, which can be read only once/;
  t.throws(() => loadConfig({ file: pipe, again: true }), { code: 'ERR_CONFIG_FILE', message: once });
  t.throws(() => loadConfig({ file: join(folder, 'naming.yaml'), again: true }), {
    code: 'ERR_CONFIG_FILE',
    message: /naming\.yaml:1:\d+ identity\.directory: .*pipe, which can be read only once/,
  });
  t.equal(loadConfig({ file: join(folder, 'plain.yaml'), again: true }).config.gateway.dpd, 7);
  t.equal(loadConfig({ file: '/dev/null', again: true }).config.gateway.dpd, 90);
});

t.test('a file that another one names, and that is not there, is told with the place that names it', async (t) => {
  const missing = 'ERR_CONFIG_FILE a.yaml:2:14 identity.directory: ';
  t.ok(refusal(t, 'identity:\n  directory: none.yaml\n').startsWith(missing));
  t.match(
    refusal(t, 'serverConfiguration: none.json\n'),
    /^ERR_CONFIG_FILE a\.yaml:1:22 serverConfiguration: .*none\.json cannot be read: /,
  );
});
