import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import {
  type ConfigInput,
  type EventName,
  type FaultHandle,
  type JournalMark,
  type Simulator,
  type TunnelClient,
  TunnelStatus,
} from '../../src/index.ts';
import { LobApp, SharedTokenCache } from '../support/lob-app.ts';
import { start } from '../support/running-simulator.ts';

/*
 * What Tunnel for MAM does between the start of an app and its on-premises page, action by action, as the app, the gateway and the page see
 * it: 0 the app starts; 1, 1a a token; 2 TLS, and the token to the gateway; 3 the data channel; 4a the connect request; 4b the request.
 */

t.setTimeout(120_000);

const PAGE = { host: 'intranet.contoso.internal', port: 443 };
const NO_UDP = { name: 'no-udp', on: { seam: 'udp' }, then: { do: 'drop' } } as const;
/** One app on its way, and what is known of it. */
class Flow {
  readonly sim: Simulator;
  readonly cache: SharedTokenCache;
  readonly app: LobApp;
  /** Where the journal is when the app starts: the simulator has tried itself out before. */
  readonly begin: JournalMark;

  constructor(t: Test, sim: Simulator) {
    this.sim = sim;
    this.cache = new SharedTokenCache(sim);
    this.app = new LobApp(t, sim, this.cache);
    this.begin = sim.journal.mark();
  }

  get client(): TunnelClient {
    return this.app.sdk.client!;
  }

  /** The session, once the gateway has it. */
  async session(): Promise<string> {
    return (await this.sim.journal.waitFor({ name: 'session.connect' })).fields.session;
  }

  /** Numbers of events that have to be there, once each. */
  numbers(...names: EventName[]): number[] {
    return names.map((name) => this.sim.journal.expect({ name, since: this.begin }, 1)[0]!.seq);
  }
}

/** Actions 0, 1 and 2, which do not depend on UDP. */
async function signedIn(t: Test, config: ConfigInput = {}, prepare: (sim: Simulator) => void = () => {}) {
  const sim = await start(t, { ...config, gateway: { dpd: 5, ...config.gateway } });
  prepare(sim);
  const flow = new Flow(t, sim);
  const { app } = flow;
  const { journal } = sim;

  await t.test('0: the app starts, and its SDK connects', async (t) => {
    t.equal(app.sdk.getStatus(), TunnelStatus.Uninitialized);
    app.launch();
    t.strictSame(app.heard, ['initialized'], 'and connects from within that callback');
    t.equal(app.sdk.getStatus(), TunnelStatus.Initialized);
    await journal.waitFor({ name: 'tls.connect', since: flow.begin });
  });
  await t.test('1: the gateway wants a token, and the app has Entra ID issue one', async (t) => {
    await journal.waitFor({ name: 'auth.challenge' });
    await app.until('token required');
    const { fields } = await journal.waitFor({ name: 'identity.token.issued' });
    t.match(fields, { user: 'alice@contoso.com', grant: 'password', audience: 'Microsoft Tunnel Gateway' });
  });
  await t.test('2: the token goes to the gateway inside TLS, and there is a session', async (t) => {
    await app.until('connected');
    const id = await flow.session();
    t.match(journal.expect({ name: 'auth.accepted' }, 1)[0]!.fields, { session: id, signInName: 'alice@contoso.com' });
    const numbers = flow.numbers(
      'tls.connect',
      'auth.challenge',
      'identity.token.issued',
      'auth.accepted',
      'session.connect',
    );
    t.strictSame(
      numbers,
      numbers.toSorted((a, b) => a - b),
      'in this order',
    );
    t.equal(app.sdk.getStatus(), TunnelStatus.Connected);
    t.strictSame(app.heard, ['initialized', 'token required', 'connected']);
    t.equal(sim.sessions.get(id).address4, flow.client.configuration.address4);
  });
  return flow;
}

/** Actions 4a and 4b, over the channel that is expected to carry them. */
async function visits(t: Test, flow: Flow, channel: 'tls' | 'dtls'): Promise<void> {
  const { sim, client } = flow;
  const mark = sim.journal.mark();
  const session = await flow.session();
  // It selects nothing: it only counts the packets that the client sends over DTLS.
  let datagrams = 0;
  const counter = sim.faults.add({
    on: { seam: 'udp', direction: 'in', kind: 'data', session, where: () => ++datagrams < 0 },
    then: { do: 'drop' },
  });
  let stream: Duplex | undefined;
  await t.test(`4a over ${channel}: a connection to the resource is one request and one decision`, async (t) => {
    stream = await client.openTcp(PAGE.host, PAGE.port);
    const [asked] = sim.journal.expect({ name: 'resource.request', since: mark, fields: { protocol: 'tcp' } }, 1);
    t.match(asked!.fields, { session, decision: 'allow', destination: '10.20.0.10:443', host: PAGE.host });
    const denied = { name: 'resource.request', since: mark, fields: { decision: 'deny' } } as const;
    await t.rejects(client.openTcp('10.20.99.99', 443), { code: 'ERR_CLIENT_OPEN' }, 'what nobody allows is refused');
    t.match((await sim.journal.waitFor(denied)).fields, { session, destination: '10.20.99.99:443' });
  });
  await t.test(`4b over ${channel}: the page comes encrypted from the resource itself`, async (t) => {
    const passed: Buffer[] = [];
    const tls = tlsConnect({ socket: stream!, servername: PAGE.host, ca: sim.ca, ALPNProtocols: ['http/1.1'] });
    stream!.on('data', (piece: Buffer) => passed.push(piece));
    await once(tls, 'secureConnect');
    t.ok(tls.authorized);
    const { subjectAltName } = new X509Certificate(tls.getPeerCertificate().raw);
    t.match(subjectAltName, `DNS:${PAGE.host}`);
    t.notMatch(subjectAltName, 'DNS:localhost', 'it is not the gateway that TLS ends at');
    tls.write(`GET /whoami HTTP/1.1\r\nHost: ${PAGE.host}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const piece of tls) answer += piece;
    tls.destroy();
    stream!.destroy();
    t.match(answer, /^HTTP\/1\.1 200 /);
    t.match(answer, 'alice@contoso.com');
    t.match(answer, session, 'the page knows who came');
    const bytes = Buffer.concat(passed);
    t.ok(bytes.length > answer.length);
    t.notMatch(bytes.toString('latin1'), 'contoso.com', 'nothing of it could be read on the way');
    await sim.journal.waitFor({ name: 'service.request', since: mark, fields: { path: '/whoami', status: 200 } });
    t.equal(client.channel, channel);
    if (channel === 'dtls') t.ok(datagrams > 0, 'its packets came over UDP');
    else t.equal(datagrams, 0, 'none of its packets came over UDP');
  });
  counter.remove();
}

/** Waits until both sides send over a channel. */
async function bothOver(flow: Flow, channel: 'cstp' | 'dtls', since = 0): Promise<void> {
  const session = await flow.session();
  await flow.sim.journal.waitFor(
    { name: 'channel.switch', since, fields: { session, to: channel } },
    { timeout: 30_000 },
  );
  await flow.app.over(channel === 'cstp' ? 'tls' : 'dtls');
}

t.test('UDP enabled', async (t) => {
  const flow = await signedIn(t);
  const { sim } = flow;
  await t.test('3: data goes over DTLS', async (t) => {
    t.ok(flow.client.configuration.dtls, 'which the gateway offered');
    const { fields } = await sim.journal.waitFor({ name: 'channel.dtls.open' });
    t.match(fields, { session: await flow.session(), cipher: 'TLS_PSK_WITH_AES_256_GCM_SHA384' });
    await bothOver(flow, 'dtls');
    t.equal(sim.sessions.get(await flow.session()).dataChannel, 'dtls');
  });
  await visits(t, flow, 'dtls');
  await t.test('1a: another app of the device comes with the token that is there', async (t) => {
    const mark = sim.journal.mark();
    const other = new LobApp(t, sim, flow.cache);
    other.launch();
    await other.until('connected');
    t.equal(sim.journal.count({ name: 'identity.token.issued', since: mark }), 0, 'Entra ID was not asked');
    const [first, second] = sim.sessions.list();
    t.match(second, { signInName: first!.signInName, username: first!.username });
    t.not(first!.id, second!.id, 'each app has a session of its own');
    t.not(first!.address4, second!.address4);
    await other.sdk.disconnect();
  });
  await t.test('1: a token that has expired is refused, and the app has a new one issued', async (t) => {
    await flow.app.sdk.disconnect();
    await sim.clock.advance('2h');
    const mark = sim.journal.mark();
    const other = new LobApp(t, sim, flow.cache);
    other.launch();
    await other.until('connected');
    t.strictSame(other.heard, ['initialized', 'token required', 'token refused', 'connected']);
    sim.journal.expect({ name: 'auth.refused', since: mark, fields: { reason: 'expired' } }, 1);
    sim.journal.expect({ name: 'identity.token.issued', since: mark }, 1);
  });
});

t.test('UDP disabled', async (t) => {
  const flow = await signedIn(t, { gateway: { disableUdp: true } });
  await t.test('3: the gateway offers no DTLS, and TLS carries the data', async (t) => {
    t.equal(flow.client.configuration.dtls, undefined);
    t.equal(flow.client.channel, 'tls');
    t.equal(flow.sim.sessions.get(await flow.session()).dataChannel, 'cstp');
  });
  await visits(t, flow, 'tls');
  t.equal(flow.sim.journal.count({ name: 'channel.dtls.*' }), 0);
});

t.test('UDP blocked', async (t) => {
  let blocked: FaultHandle | undefined;
  const flow = await signedIn(t, {}, (sim) => {
    blocked = sim.faults.add(NO_UDP);
  });
  await t.test('3: the handshake for DTLS gets no answer, and TLS carries the data', async (t) => {
    t.ok(flow.client.configuration.dtls, 'the gateway offered it');
    await blocked!.struck();
    t.match(blocked!.events()[0], { kind: 'client-hello', direction: 'in' });
    t.equal(flow.client.channel, 'tls');
    t.equal(flow.sim.sessions.get(await flow.session()).dataChannel, 'cstp');
  });
  await visits(t, flow, 'tls');
  t.equal(flow.sim.journal.count({ name: 'channel.dtls.open' }), 0);
});

t.test('UDP lost, and back', async (t) => {
  const flow = await signedIn(t);
  const { sim, client } = flow;
  await bothOver(flow, 'dtls');
  const stream = await client.openTcp('tcpecho.contoso.internal', 7);
  t.teardown(() => stream.destroy());
  const echoed = async (text: string): Promise<string> => {
    stream.write(text);
    let heard = '';
    while (heard.length < text.length) heard += (await once(stream, 'data'))[0];
    return heard;
  };
  t.equal(await echoed('over DTLS'), 'over DTLS');
  const lost = sim.faults.add(NO_UDP);
  await t.test('3: UDP is lost, data moves to TLS, and what is open lives on', async (t) => {
    const mark = sim.journal.mark();
    t.equal(await echoed('in the middle of it'), 'in the middle of it');
    t.ok(lost.hits() > 0);
    await bothOver(flow, 'cstp', mark);
    t.equal(flow.app.sdk.getStatus(), TunnelStatus.Connected, 'the app is told nothing');
  });
  await visits(t, flow, 'tls');
  await t.test('3: UDP is back, and data returns to DTLS by a new handshake', async (t) => {
    const mark = sim.journal.mark();
    lost.remove();
    await sim.journal.waitFor({ name: 'channel.dtls.open', since: mark }, { timeout: 60_000 });
    await bothOver(flow, 'dtls', mark);
    t.equal(await echoed('over DTLS again'), 'over DTLS again');
  });
  await visits(t, flow, 'dtls');
  sim.journal.expect({ name: 'session.connect' }, 1);
  t.strictSame(flow.app.heard, ['initialized', 'token required', 'connected'], 'one session, one token, all along');
});
