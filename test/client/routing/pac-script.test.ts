import t, { type Test } from 'tap';
import { PacScript } from '../../../src/client/routing/pac-script.ts';
import { ManualClock, systemClock } from '../../../src/lib/clock.ts';

t.setTimeout(60_000);

const NAMES: Readonly<Record<string, string>> = { 'intranet.contoso.internal': '10.20.0.10' };

const known = async (name: string): Promise<string[]> => {
  if (!Object.hasOwn(NAMES, name)) throw new Error('the name does not exist');
  return [NAMES[name]!];
};

function pac(t: Test, script: string, clock = systemClock, resolve = known): PacScript {
  const made = new PacScript({ script, address: '169.254.0.2', clock, resolve });
  t.teardown(() => made.close());
  return made;
}

const find = (body: string): string => `function FindProxyForURL(url, host) { ${body} }`;
const URL_ = new URL('https://intranet.contoso.internal/');

t.test('a script is asked with the URL and the host, and knows the functions of its format', async (t) => {
  const script = pac(
    t,
    find(`
    if (isPlainHostName(host)) return "DIRECT";
    if (shExpMatch(host, "*.example")) return "PROXY " + url.length + ":1";
    if (dnsDomainIs(host, ".contoso.internal") && isInNet(dnsResolve(host), "10.20.0.0", "255.255.0.0"))
      return "PROXY inside." + myIpAddress() + ":3128; DIRECT";
    if (!isResolvable(host)) return "PROXY unknown:1";
    return null;`),
  );
  t.equal(await script.find(URL_), 'PROXY inside.169.254.0.2:3128; DIRECT');
  t.equal(await script.find(new URL('http://intranet/')), 'DIRECT');
  t.equal(await script.find(new URL('http://www.example/abc')), 'PROXY 22:1');
  t.equal(await script.find(new URL('http://nowhere.test/')), 'PROXY unknown:1');
  t.equal(await script.find(new URL('http://10.20.0.10/')), '', 'null means DIRECT');
});

t.test('a script that throws, or is none, is an error with its words', async (t) => {
  for (const [script, words] of [
    [find('throw new Error("out of order");'), /out of order/],
    [find('throw "out of order";'), /failed: out of order/],
    [find('throw null;'), /failed: /],
    [find('return nothing;'), /nothing/],
    ['this is no script', /failed: /],
    ['', /FindProxyForURL/],
    ['var FindProxyForURL = 7;', /FindProxyForURL/],
  ] as const) {
    await t.rejects(pac(t, script).find(URL_), { code: 'ERR_CLIENT_PROXY', message: words }, script);
  }
});

t.test('what a script returns may be anything', async (t) => {
  for (const value of ['7', '{}', '[]', 'undefined', 'Symbol("x")', '() => 1']) {
    t.equal(await pac(t, find(`return ${value};`).replace('() => 1', 'function () {}')).find(URL_), '', value);
  }
});

t.test('a script that never ends is ended, and the next question is asked of a new one', async (t) => {
  const clock = new ManualClock();
  const script = pac(
    t,
    find(`if (host === "loop") for (;;); if (host === "wait") return dnsResolve("x"); return "DIRECT";`),
    clock,
  );
  t.equal(await script.find(URL_), 'DIRECT');
  const endless = script.find(new URL('http://loop/'));
  const behind = script.find(URL_);
  clock.advance(10_000);
  for (const each of [endless, behind]) {
    await t.rejects(each, { code: 'ERR_CLIENT_PROXY', message: /gave no answer within 10 s/ });
  }
  t.equal(await script.find(URL_), 'DIRECT');
});

t.test('a script that takes all memory fails alone', async (t) => {
  const greedy = pac(t, find('var s = []; for (;;) s.push(new Array(100000).join("x") + s.length);'));
  await t.rejects(greedy.find(URL_), { code: 'ERR_CLIENT_PROXY' });
  const deep = pac(t, `function down(n) { return down(n + 1) + 1; } ${find('return down(0);')}`);
  await t.rejects(deep.find(URL_), { code: 'ERR_CLIENT_PROXY' });
});

t.test('a script reaches nothing of the program', async (t) => {
  const tries = [
    'process',
    'require',
    'globalThis.process',
    'fetch',
    'XMLHttpRequest',
    'setTimeout',
    'std',
    'os',
    'Deno',
    'print',
  ];
  const script = pac(t, find(`return [${tries.map((name) => `typeof ${name}`).join(',')}].join(" ");`));
  t.equal(await script.find(URL_), tries.map(() => 'undefined').join(' '));
  const out = pac(t, find('return String(dnsResolve.constructor.constructor("return typeof process")());'));
  t.match(await out.find(URL_).catch((error: Error) => error.message), /undefined|failed/);
});

t.test('more questions than a script can answer are refused, and a close ends those that wait', async (t) => {
  const script = pac(t, find('for (;;);'));
  const asked = Array.from({ length: 1100 }, () => script.find(URL_).catch((error: Error) => error.message));
  script.close();
  const answers = await Promise.all(asked);
  t.match(answers[0], /no longer needed/);
  t.match(answers[1099], /too many pending requests/);
});

t.test('32 names are looked up at a time, and more have no address', async (t) => {
  const asked: string[] = [];
  const release = Promise.withResolvers<string[]>();
  const full = Promise.withResolvers<void>();
  const script = pac(t, find('return "PROXY " + dnsResolve(host) + ":1";'), systemClock, (name) => {
    if (asked.push(name) === 32) full.resolve();
    return release.promise;
  });
  const first = Array.from({ length: 32 }, (_, i) => script.find(new URL(`http://a${i}.test/`)));
  await full.promise;
  t.equal(await script.find(new URL('http://late.test/')), 'PROXY null:1');
  release.resolve(['10.0.0.9']);
  t.strictSame(new Set(await Promise.all(first)), new Set(['PROXY 10.0.0.9:1']));
  t.equal(asked.length, 32);
  t.equal(await script.find(new URL('http://later.test/')), 'PROXY 10.0.0.9:1', 'there is room again');
});
