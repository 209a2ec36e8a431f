import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ipaddr from 'ipaddr.js';
import t, { type Test } from 'tap';
import { loadConfig, resolveConfig } from '../../src/config/index.ts';
import { CONFIG_KEYS, parseSetting } from '../../src/config/keys.ts';
import { parseSource } from '../../src/config/source-file.ts';
import { buildSettingsFiller, parseXcconfig } from '../../src/intune/app-check/build-settings.ts';
import { checkAppRegistration, registrationFromGraph } from '../../src/intune/app-check/index.ts';
import { parseInfoPlist } from '../../src/intune/app-check/info-plist.ts';
import { errorText } from '../../src/lib/errors.ts';
import { countArrayWork } from '../support/array-work.ts';
import { costsInProportion } from '../support/growth.ts';

const LIST = CONFIG_KEYS.find((key) => key.name === 'gateway.dnsServers')!;
const settings = (text: string): unknown => parseXcconfig(text, () => undefined);

/** Texts that made a regular expression look at the same characters again and again. */
const TEXTS: readonly (readonly [label: string, make: (size: number) => string, run: (text: string) => unknown])[] = [
  ['an error of spaces', (size) => `${' '.repeat(size)}x`, (text) => errorText(new Error(text))],
  ['a property list of DOCTYPEs', (size) => '<!DOCTYPE'.repeat(size / 4), parseInfoPlist],
  ['build settings of slashes', (size) => `A = ${'/'.repeat(size)}\u2028`, settings],
  ['build settings of conditions', (size) => `A${'[sdk=*] '.repeat(size)}b`, settings],
  ['a variable of spaces', (size) => `a${' '.repeat(size)}a`, (text) => parseSetting(LIST.schema, text)],
];

t.test('the cost of reading a text is in proportion to its length', async (t) => {
  for (const [label, make, run] of TEXTS) costsInProportion(t, label, make, run, 240);
});

/** How many times as large the larger of two inputs is, and how many times as much work it may be: the square would be 256. */
const FACTOR = 16;
const BOUND = 32;

const parts = (count: number, part: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => part(i)).join('');
const members = (count: number, value: unknown): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]));

/** Holds that the work on an input 16 times as large is not much more than 16 times as much. */
function worksInProportion<T>(
  t: Test,
  label: string,
  size: number,
  make: (size: number) => T,
  run: (input: T) => unknown,
): void {
  const [small, large] = [make(size), make(size * FACTOR)];
  // What is made at the first use does not count.
  countArrayWork(() => run(small));
  const ratio = countArrayWork(() => run(large)) / countArrayWork(() => run(small));
  t.ok(ratio < BOUND, `${label}: ${FACTOR} times the input was ${ratio.toFixed(1)} times the work`);
}

t.test('the work of reading a file is in proportion to its length', async (t) => {
  const files: readonly (readonly [label: string, text: (size: number) => string])[] = [
    ['keys', (size) => parts(size, (i) => `k${i}: 1\n`)],
    ['keys on one line', (size) => `{${parts(size, (i) => `"k${i}": 1, `)}}`],
    ['one key again and again', (size) => 'k: 1\n'.repeat(size)],
    ['anchors and aliases', (size) => parts(size, (i) => `- &a${i} 1\n- *a${i}\n`)],
    ['aliases in what an alias names', (size) => `- &a 1\n- &b [${'*a, '.repeat(size)}]\n- *b\n`],
  ];
  for (const [label, text] of files) worksInProportion(t, label, 100, text, (text) => parseSource(text, 'a.yaml'));
});

t.test('the work of telling what is wrong with a configuration is in proportion to its length', async (t) => {
  const file = join(t.testdir(), 'a.json');
  const host = { names: ['a.x'], addresses: ['10.0.0.1'] };
  const configs: readonly (readonly [label: string, config: (size: number) => object])[] = [
    ['keys that are not known', (size) => ({ gateway: members(size, 1) })],
    ['ports that are none', (size) => ({ services: { hosts: [{ ...host, tcp: members(size, 'echo') }] } })],
    ['hosts without a name', (size) => ({ services: { hosts: Array(size).fill({ ...host, names: [] }) } })],
    ['entries of a list in a union', (size) => ({ identity: { directory: { tenants: Array(size).fill(5) } } })],
    ['a server configuration', (size) => ({ serverConfiguration: { listenPort: 'x', ...members(size, 1) } })],
  ];
  const load = (text: string): unknown => {
    writeFileSync(file, text);
    return loadConfig({ file });
  };
  for (const [label, config] of configs) {
    worksInProportion(t, label, 100, (size) => JSON.stringify(config(size)), load);
  }
});

t.test('routes and DNS servers are read once, not each for each', async (t) => {
  // Comparing them is quick, and their number is bounded; reading an address is neither.
  const config = (servers: number): object => ({
    routesInclude: Array.from({ length: 100 }, (_, i) => `10.1.${i}.0/24`),
    dnsServers: Array.from({ length: servers }, (_, i) => `192.168.0.${i}`),
  });
  const { parseCIDR } = ipaddr;
  let read = 0;
  t.teardown(() => Object.assign(ipaddr, { parseCIDR }));
  ipaddr.parseCIDR = (text) => {
    read++;
    return parseCIDR(text);
  };
  const reads = (servers: number): number => {
    read = 0;
    resolveConfig({ gateway: config(servers) });
    return read;
  };
  t.ok(reads(100) < 2 * reads(2), `${reads(2)} for 2 servers, ${reads(100)} for 100`);
});

t.test('the work of checking an app is in proportion to its project', async (t) => {
  const plist = (content: string): string => `<plist><dict>${content}</dict></plist>`;
  const schemes = (size: number): string =>
    plist(
      `<key>CFBundleURLTypes</key><array><dict><key>CFBundleURLSchemes</key><array>${'<string>$(A)</string>'.repeat(size)}</array></dict></array>`,
    );
  const redirect = (size: number): string =>
    plist(
      `<key>IntuneMAMSettings</key><dict><key>ADALRedirectUri</key><string>msauth.${'a'.repeat(size)}</string></dict>`,
    );
  const registration = (size: number): string =>
    JSON.stringify({ appId: 'a', web: { redirectUris: Array.from({ length: size }, (_, i) => `msauth.${i}`) } });

  // Each scheme names the setting, and the setting names as many others.
  const buildSettings = (size: number): Record<string, string> => ({
    A: parts(size, (i) => `$(k${i})`),
    ...members(size, 'b'),
  });
  let read = 0;
  const counting = (size: number): Record<string, string> =>
    new Proxy(buildSettings(size), {
      get: (settings, name) => {
        read++;
        return Reflect.get(settings, name);
      },
    });
  const fill = buildSettingsFiller(counting(100));
  for (let i = 0; i < 100; i++) fill('$(A)');
  t.ok(read < 1000, `${read} settings were read for 100 schemes`);

  let letters = 0;
  const lower = String.prototype.toLowerCase;
  t.teardown(() => {
    String.prototype.toLowerCase = lower;
  });
  String.prototype.toLowerCase = function (this: string) {
    letters += this.length;
    return lower.call(this);
  };
  const lettersOf = (run: () => unknown): number => {
    letters = 0;
    run();
    return letters;
  };
  const app = registrationFromGraph(registration(1000));
  const urls = lettersOf(() => checkAppRegistration(app, schemes(1000), { bundleId: 'a'.repeat(1000) }));
  t.ok(urls < 100_000, `${urls} letters of URL schemes and a bundle id`);
  const redirects = lettersOf(() => checkAppRegistration(app, redirect(1000), { bundleId: '$(A)' }));
  t.ok(redirects < 100_000, `${redirects} letters of redirect URIs`);
});
