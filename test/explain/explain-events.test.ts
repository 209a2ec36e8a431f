import t from 'tap';
import { explain, explanationText, parseSubject } from '../../src/explain/index.ts';
import type { EventMap, EventName, TunneliteEvent } from '../../src/telemetry/index.ts';
import { about, provoker } from '../support/explaining.ts';
import { start } from '../support/running-simulator.ts';

// Causes whose clients are not to be had, or take a machine of their own: the events are as the gateway tells them, which its own tests show
// (test/gateway, test/dtls, test/resources, test/bearer), and so is what is made of them.

const sim = await start(t);
const provokes = provoker(() => sim);
const remote = '198.51.100.7:50000';
let sessions = 0;

/** A session of some client, as far as explanations look at it. */
function session(changes: Partial<EventMap['session.connect']> & { readonly library?: string } = {}): string {
  const id = `s${(sessions++).toString(36)}aaaa`;
  const { library = 'GnuTLS', ...connect } = changes;
  sim.emit('tls.connect', { remote, protocol: 'TLSv1.3', cipher: 'X', serverName: undefined, library });
  sim.emit('session.connect', {
    session: id,
    user: 'u',
    signInName: 'alice@contoso.com',
    remote,
    address4: '169.254.0.9',
    address6: undefined,
    mtu: 1300,
    agent: 'Open AnyConnect VPN Agent v9.21',
    udp: 'offered',
    resumed: false,
    ...connect,
  });
  return id;
}

/** An event of a session, whose client is asked about. */
function of<K extends EventName>(
  name: K,
  fields: Omit<EventMap[K], 'session'>,
  connect: Parameters<typeof session>[0] = {},
) {
  return async () => {
    const id = session(connect);
    sim.emit(name, { ...fields, session: id } as unknown as EventMap[K]);
    return about(id);
  };
}

const refused = (reason: string, explanation: string) =>
  of('channel.dtls.refused', { remote: '198.51.100.7:50001', reason, explanation, withheld: 0 });
const OTHER = "The client's Finished could not be decrypted: the two sides have different keys.";

provokes('dtls-other-key', refused('timeout', OTHER));
provokes(
  'dtls-openssl-reconnect',
  of(
    'channel.dtls.refused',
    { remote: '198.51.100.7:50001', reason: 'timeout', explanation: OTHER, withheld: 0 },
    { library: 'OpenSSL', resumed: true },
  ),
  (t, { finding, explanation }) => {
    t.match(finding.title, 'An OpenSSL build of openconnect does not return to DTLS after a reconnect');
    t.match(explanation.client, { kind: 'openconnect', version: '9.21', library: 'OpenSSL' });
  },
);
provokes(
  'dtls-no-common-cipher',
  refused('no-common-cipher', 'The client offers no cipher suite that was negotiated for its tunnel.'),
);
provokes('dtls-version', refused('version', 'The client does not offer DTLS 1.2.'));
provokes('dtls-full', refused('full', 'The limit of DTLS associations is reached.'));
provokes('dtls-failed', refused('handshake_failure', 'The client ended the handshake.'));
provokes(
  'channel-dtls-ended',
  of('channel.switch', { from: 'dtls', to: 'cstp', reason: 'the DTLS association ended' }),
);
const token = (reason: string) => async () => {
  sim.emit('auth.refused', { remote, reason, explanation: 'The token was refused.', claim: 'x' });
};
provokes('token-missing', token('missing'));
provokes('token-key-issuer', token('key-issuer'));
provokes('token-keys-unavailable', token('keys-unavailable'));
provokes('token-revoked', token('revoked'));
const rejected = (reason: string) => async () => {
  sim.emit('http.rejected', { remote, reason, explanation: 'Nobody is let in.' });
};
provokes('admission-crowded', rejected('pending'));
provokes('admission-stopped', rejected('stopped'));
t.test('whom a text means', async (t) => {
  t.strictSame(parseSubject(undefined), { kind: 'last' });
  t.strictSame(parseSubject('last'), { kind: 'last' });
  t.strictSame(parseSubject('k3xy2z'), { kind: 'session', session: 'k3xy2z' });
  t.strictSame(parseSubject('192.0.2.1:443'), { kind: 'address', address: '192.0.2.1', port: 443 });
  t.strictSame(parseSubject('[2001:db8::1]:443'), { kind: 'address', address: '2001:db8::1', port: 443 });
  t.strictSame(parseSubject('2001:db8::1'), { kind: 'address', address: '2001:db8::1' });
  for (const text of ['', '__proto__', 'a b', '\u0000', '1.2.3.4:99999', 'x'.repeat(10_000), '[::1', '☃']) {
    t.throws(() => parseSubject(text), { code: 'ERR_EXPLAIN_SUBJECT' });
  }
  t.throws(() => explain([], { kind: 'last' }), { code: 'ERR_EXPLAIN_UNKNOWN' });
  t.throws(() => explain(sim.journal.query(), { kind: 'session', session: 'nobody' }, 7), {
    code: 'ERR_EXPLAIN_UNKNOWN',
    message: /up to #7 were dropped/,
  });
});

t.test('what a hostile client says is printed harmlessly, and bounded', async (t) => {
  const evil = '\u001b[31m<script>\n\u202e';
  sim.emit('tls.failed', {
    remote: '192.0.2.66:1',
    reason: 'abandoned',
    explanation: evil,
    withheld: 0,
    serverName: evil,
    covered: false,
  });
  sim.emit('http.request', {
    remote: '192.0.2.66:2',
    method: 'GET',
    path: evil,
    agent: `${evil}${'x'.repeat(10_000)}`,
  });
  const text = explanationText(sim.explain('192.0.2.66'));
  t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  for (const { what, next } of sim.explain('192.0.2.66').findings)
    t.notMatch([what, ...next].join(' '), /[\u0000-\u001f\u202e]/);
  t.ok(text.length < 20_000, `${text.length} characters`);
});

t.test('100,000 events of one client are explained in work that is in proportion, and shown in part', async (t) => {
  const [first] = sim.journal.query({ name: 'session.connect' });
  const id = (first!.fields as { session: string }).session;
  const events: TunneliteEvent[] = [first!];
  for (let i = 1; i < 100_000; i++) {
    const kind = i % 3;
    const base = { seq: first!.seq + i, time: first!.time + i, level: 'info' as const, text: `event ${i}` };
    if (kind === 0)
      events.push({
        ...base,
        name: 'dns.query',
        fields: { session: id, question: `n${i}.internal`, type: 'A', outcome: 'no such name', answers: 0 },
      });
    else if (kind === 1)
      events.push({
        ...base,
        name: 'fault.injected',
        fields: { session: id, rule: `r${i % 7}`, fault: 'drop', seam: 'udp', detail: '', hit: i },
      });
    else
      events.push({
        ...base,
        name: 'session.refused',
        fields: { session: id, remote: `198.51.100.7:${i % 60_000}`, reason: 'path', explanation: `x${i}` },
      });
  }
  const explanation = explain(events, { kind: 'session', session: id });
  t.ok(explanation.findings.length <= 30 && explanation.findingsLeft > 1000, `${explanation.findingsLeft} left`);
  t.ok(explanation.steps.length <= 40 && explanation.stepsLeft > 0, `${explanation.stepsLeft} left`);
});
