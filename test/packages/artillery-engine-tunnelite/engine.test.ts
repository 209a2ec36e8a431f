import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DEFAULT_CLIENT_ID } from '../../../src/entra/directory/default-directory.ts';
import type { Simulator } from '../../../src/index.ts';
import { installEngine, loadEngine, PACKAGE_NAME, runUser } from '../../support/artillery.ts';
import { PASSWORD, start } from '../../support/running-simulator.ts';

/* The engine as it is published, run by Artillery's contract for engines, against a gateway. */

t.setTimeout(180_000);

const root = installEngine(t);
const Engine = await loadEngine(root);

/** What a running instance leaves in its certificate directory. Returns the settings that name it. */
function instanceOf(t: Test, sim: Simulator) {
  const directory = t.testdir({ 'ca.pem': sim.ca });
  const ca = join(directory, 'ca.pem');
  const instance = { gateway: sim.urls.gateway, admin: sim.admin.url, secret: sim.admin.secret, ca };
  writeFileSync(join(directory, 'instance.json'), JSON.stringify(instance));
  return { directory, ca, config: { engines: { tunnelite: { instance: directory } } } };
}

/** Nobody is left at the gateway. */
async function allGone(t: Test, sim: Simulator): Promise<void> {
  while (sim.gateway.sessions().length > 0)
    await sim.journal.waitFor({ name: 'session.disconnect', since: sim.journal.mark() });
  t.ok(sim.journal.count({ name: 'session.connect' }) > 0);
}

t.test('a user logs in, uses the tunnel in every way, and leaves', async (t) => {
  const sim = await start(t);
  const { config } = instanceOf(t, sim);
  const called: unknown[] = [];
  const processor = {
    later: (context: { vars: unknown }, _events: unknown, done: () => void) => {
      called.push(context.vars);
      done();
    },
    soon: async () => void called.push('soon'),
  };
  const flow = [
    { connect: { user: '{{ who }}' } },
    { awaitChannel: 'dtls' },
    {
      request: {
        url: 'http://api.contoso.internal/echo',
        method: 'post',
        json: { a: '{{ who }}' },
        expect: [200],
        capture: { json: '$.method', as: 'how' },
        match: { json: '$.method', value: 'POST' },
      },
    },
    { function: 'later' },
    { function: 'soon' },
    { loop: [{ request: 'http://{{ host }}/' }, { ping: '{{ host }}' }], count: 2, over: undefined },
    { udp: { host: 'udpecho.contoso.internal', port: '7', payload: 'hello', expect: 'hello' } },
    'rekey',
    { roam: null },
    { think: 0.01 },
    { ping: { host: '{{ host }}', timeout: 20 } },
    'disconnect',
  ];
  const vars = { who: 'bob@contoso.com', host: 'intranet.contoso.internal' };
  const run = await runUser(Engine, { ...config, processor }, flow, vars);
  t.equal(run.error, undefined, String(run.error));
  t.equal(run.started, 1);
  t.strictSame(run.errors, []);
  t.equal(run.vars['how'], 'POST');
  t.match(called, [{ how: 'POST' }, 'soon']);
  t.match(run.counters, {
    'tunnelite.connect.attempts': 1,
    'tunnelite.connect.done': 1,
    'tunnelite.requests': 3,
    'tunnelite.codes.200': 3,
    'tunnelite.pings': 3,
    'tunnelite.datagrams': 1,
    'tunnelite.reconnect.done': 1,
    'tunnelite.disconnected': 1,
  });
  t.match(run.rates, { 'tunnelite.connect_rate': 1, 'tunnelite.request_rate': 3 });
  const counts = Object.fromEntries(Object.entries(run.times).map(([name, times]) => [name, times.length]));
  t.match(counts, {
    'tunnelite.connect.time': 1,
    'tunnelite.dtls.time': 1,
    'tunnelite.request.time': 3,
    'tunnelite.ping.time': 3,
    'tunnelite.udp.time': 1,
    'tunnelite.rekey.time': 1,
    'tunnelite.reconnect.time': 1,
    'tunnelite.session.time': 1,
  });
  t.match(sim.journal.query({ name: 'session.connect' })[0]!.text, /^bob@contoso\.com /);
  await allGone(t, sim);
  t.equal(sim.journal.query({ name: 'session.disconnect' }).at(-1)!.fields.reason, 'user');
});

t.test('a user whose UDP is blocked goes on over TLS, and comes back', async (t) => {
  const sim = await start(t);
  const { config } = instanceOf(t, sim);
  const flow = [
    { connect: {} },
    { awaitChannel: 'dtls' },
    'blockUdp',
    { loop: [{ ping: { host: 'intranet.contoso.internal', timeout: 1, allowLoss: true } }], whileTrue: 'onDtls' },
    { awaitChannel: { channel: 'tls', timeout: 60 } },
    { request: { url: 'http://intranet.contoso.internal/', expect: 200, timeout: 60 } },
    'restoreUdp',
    { awaitChannel: { channel: 'dtls', timeout: 120 } },
  ];
  // Pings until one has come back.
  const processor = {
    onDtls: ({ vars }: { vars: Record<string, number> }, done: (go: boolean) => void) => {
      vars['turns'] = (vars['turns'] ?? 0) + 1;
      done(vars['turns'] < 8);
    },
  };
  const run = await runUser(Engine, { ...config, processor }, flow);
  t.equal(run.error, undefined, String(run.error));
  t.match(run.counters, {
    'tunnelite.fallback.cut': 1,
    'tunnelite.fallback.done': 1,
    'tunnelite.fallback.never': undefined,
    'tunnelite.return.restored': 1,
    'tunnelite.return.done': 1,
  });
  t.ok(run.counters['tunnelite.ping.lost']! > 0, 'requests without answer are counted');
  const [decision] = run.times['tunnelite.fallback.decision.time']!;
  const [fallback] = run.times['tunnelite.fallback.time']!;
  t.ok(decision! > 500 && fallback! >= decision!, `${decision} ms, ${fallback} ms`);
  t.equal(run.times['tunnelite.return.time']!.length, 1);
  await allGone(t, sim);
});

t.test(
  'a token comes from the script, a file, or a token endpoint, which is asked once for all who want it',
  async (t) => {
    const sim = await start(t);
    const { directory, ca } = instanceOf(t, sim);
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, `${await sim.token()}\n`);
    const tokenEndpoint = {
      url: `${sim.urls.authority}/oauth2/v2.0/token`,
      clientId: DEFAULT_CLIENT_ID,
      scope: '3678c9e9-9681-447a-974d-d19f668fcd88/.default',
      username: '{{ who }}',
      password: PASSWORD.password,
    };
    const vars = { token: await sim.token(), who: PASSWORD.username };
    const config = (own: Record<string, unknown>) => ({
      target: sim.urls.gateway,
      engines: { tunnelite: { cacert: ca, dtls: false, ...own } },
    });
    for (const own of [{ token: '{{ token }}' }, { tokenFile }, { tokenEndpoint }]) {
      const run = await runUser(Engine, config(own), [{ connect: null }, { ping: 'intranet.contoso.internal' }], vars);
      t.equal(run.error, undefined, `${Object.keys(own)[0]}: ${run.error}`);
      t.equal(run.counters['tunnelite.channel.dtls'], undefined, 'DTLS is off');
    }
    const mark = sim.journal.mark();
    const again = await runUser(Engine, config({ tokenEndpoint }), ['connect', 'disconnect', 'connect'], vars);
    t.equal(again.error, undefined, String(again.error));
    t.equal(again.counters['tunnelite.connect.done'], 2);
    t.equal(sim.journal.count({ name: 'identity.token.issued', since: mark }), 1);
    await allGone(t, sim);
  },
);

t.test('a user that fails is counted by the code of its error, and leaves the gateway all the same', async (t) => {
  const sim = await start(t);
  const { config, ca } = instanceOf(t, sim);
  const page = 'http://intranet.contoso.internal/';
  const kick = {
    processor: {
      kick: (_context: unknown, _events: unknown, done: () => void) => {
        for (const { id } of sim.gateway.sessions()) sim.gateway.disconnect(id);
        done();
      },
    },
  };
  const other = (own: Record<string, unknown>) => ({
    target: sim.urls.gateway,
    engines: { tunnelite: { cacert: ca, ...own } },
  });
  const nobody = { url: 'http://127.0.0.1:9/', clientId: 'a', scope: 'b' };
  const failing: readonly (readonly [string, Record<string, unknown>, readonly unknown[]])[] = [
    ['ERR_ENGINE_STATUS', config, ['connect', { request: { url: page, expect: 418 } }]],
    ['ERR_ENGINE_ANSWER', config, ['connect', { udp: { host: 'udpecho.contoso.internal', port: 7, expect: 'else' } }]],
    [
      'ERR_ENGINE_ANSWER',
      config,
      ['connect', { request: { url: 'http://api.contoso.internal/echo', capture: { json: '$.nothing', as: 'x' } } }],
    ],
    [
      'ERR_ENGINE_TIMEOUT',
      config,
      [{ connect: { dtls: 'off' } }, { awaitChannel: { channel: 'dtls', timeout: 0.05 } }],
    ],
    ['ERR_ENGINE_NOT_CONNECTED', config, ['connect', 'disconnect', { request: page }]],
    ['ERR_ENGINE_SCRIPT', config, ['connect', 'connect']],
    ['ERR_ENGINE_SCRIPT', config, ['connect', { blockUdp: { loss: '{{ much }}' } }]],
    ['ERR_ENGINE_SCRIPT', { target: sim.urls.gateway }, ['connect']],
    ['ERR_ENGINE_TOKEN', other({ tokenEndpoint: nobody }), ['connect']],
    ['ERR_CLIENT_TOKEN_REFUSED', other({ token: 'not.a.token' }), ['connect']],
    ['ERR_CLIENT_DNS', config, ['connect', { ping: 'nowhere.contoso.internal' }]],
    [
      'ERR_CLIENT_DISCONNECTED',
      { ...config, ...kick },
      [{ connect: { dtls: 'off' } }, { function: 'kick' }, { awaitChannel: { channel: 'dtls', timeout: 60 } }],
    ],
  ];
  for (const [code, script, flow] of failing) {
    const run = await runUser(Engine, script, flow, { much: 7 });
    const what = JSON.stringify(flow.at(-1));
    t.strictSame(run.errors, [code], `${what}: ${run.error}`);
    t.ok(run.error instanceof Error && run.error.message.length > 20, what);
    const { counters } = run;
    const closed = counters['tunnelite.disconnected'] ?? 0;
    t.equal(closed + (counters['tunnelite.sessions.lost'] ?? 0), counters['tunnelite.connect.done'] ?? 0, what);
    t.equal(counters['tunnelite.sessions.lost'] ?? 0, code === 'ERR_CLIENT_DISCONNECTED' ? 1 : 0, what);
  }
  await allGone(t, sim);
});

t.test('mistakes in a flow are told before anybody arrives', async (t) => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /no list of steps/],
    [[{ conect: {} }], /step 1 of the flow of "test" is "conect", which is no step\. Steps are connect, /],
    [[{ connect: {}, request: 'x' }], /connect, has "request" beside it/],
    [[7], /is not a step/],
    [[{ function: 'nothing' }], /"nothing", which the script's "processor" does not export/],
    [[{ loop: [{ pong: 1 }], count: 2 }], /step 1 of the loop in step 1 of the flow of "test" is "pong"/],
  ];
  for (const [flow, words] of wrong)
    await t.rejects(runUser(Engine, {}, flow), { code: 'ERR_ENGINE_SCRIPT', message: words });
  await t.rejects(runUser(Engine, { engines: { tunnelite: { sever: 'x' } } }, []), { message: /no member "sever"/ });
  await t.rejects(runUser(Engine, { engines: { tunnelite: { source: '10.0.0.1' } } }, []), {
    message: /no IPv4 network/,
  });
});

t.test(
  'users connect from addresses of the source, and from another one after a move',
  { skip: process.platform !== 'linux' && 'other systems have one loopback address' },
  async (t) => {
    const sim = await start(t);
    const { config } = instanceOf(t, sim);
    const { tunnelite } = config.engines;
    const script = {
      engines: { tunnelite: { ...tunnelite, source: '127.9.0.0/16' } },
      phases: [{ worker: 2, totalWorkers: 3 }],
    };
    const run = await runUser(Engine, script, ['connect', 'roam']);
    t.equal(run.error, undefined, String(run.error));
    const from = sim.journal.query({ name: 'session.connect' }).map(({ text }) => / from ([\d.]+):/.exec(text)![1]);
    t.strictSame(from, ['127.9.0.2', '127.9.0.5']);
  },
);

t.test('both ways of loading bring the engine', async (t) => {
  t.equal(createRequire(join(root, 'x.js'))(PACKAGE_NAME), Engine);
  t.match(readFileSync(join(root, 'node_modules', PACKAGE_NAME, 'dist/engine.d.ts'), 'utf8'), /createScenario\(/);
});
