import t from 'tap';
import { RefusalLog } from '../../../src/gateway/data/refusal-log.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { EVENTS } from '../../../src/telemetry/events.ts';
import { Telemetry } from '../../../src/telemetry/index.ts';

const PEER = { address: '192.0.2.1', port: 4321, family: 'IPv4' } as const;

function setup() {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const log = new RefusalLog(telemetry.emit, clock);
  const told = () => telemetry.journal.query({ name: 'channel.dtls.refused' }).map((event) => event.fields);
  return { clock, log, told };
}

t.test('refusals and garbage are told where an operator looks, in words', (t) => {
  const { log, told } = setup();
  for (const reason of ['malformed', 'unknown-peer', 'unknown-session', 'no-common-cipher', 'rate-limited'] as const) {
    log.dropped(reason, PEER, false);
  }
  t.match(told(), [
    { remote: '192.0.2.1:4321', reason: 'malformed', explanation: /not DTLS/ },
    { reason: 'unknown-peer', explanation: /unknown association/ },
    { reason: 'unknown-session', explanation: /X-DTLS-App-ID/ },
    { reason: 'no-common-cipher' },
    { reason: 'rate-limited' },
  ]);
  t.equal(EVENTS['channel.dtls.refused'].level, 'info');
  log.dropped('replayed', PEER, false);
  log.dropped('epoch', PEER, false);
  t.equal(told().length, 5, 'what networks do anyway is not told');
  t.end();
});

t.test('a flood is told a few times, and by number afterwards', (t) => {
  const { clock, log, told } = setup();
  for (let i = 0; i < 1000; i++) log.dropped('malformed', { ...PEER, port: i }, false);
  t.equal(told().length, 5);
  log.dropped('unknown-session', PEER, false);
  t.equal(told().length, 6, 'each reason has a share of its own');
  clock.advance(10_000);
  log.dropped('malformed', PEER, false);
  log.dropped('malformed', PEER, false);
  t.match(told().slice(-2), [{ withheld: 995 }, { withheld: 0 }]);
  const text = EVENTS['channel.dtls.refused'].text as (fields: unknown) => string;
  t.match(text(told().at(-2)), /995 more like it were not logged/);
  t.notMatch(text(told().at(-1)), /more like it/);
  t.end();
});

t.test('of a handshake, what is not authentic may be under the key of an earlier TLS connection', (t) => {
  const { log, told } = setup();
  log.dropped('not-authentic', PEER, true);
  log.dropped('not-authentic', PEER, false);
  t.match(told()[0]?.explanation, /earlier TLS connection/);
  t.notMatch(told()[1]?.explanation, /earlier TLS connection/);
  t.end();
});

t.test('the last records of a client whose association ended are nothing to tell', (t) => {
  const { clock, log, told } = setup();
  log.ended(PEER);
  log.dropped('unknown-peer', PEER, false);
  t.equal(told().length, 0);
  log.dropped('unknown-session', PEER, false);
  t.equal(told().length, 0);
  log.dropped('unknown-peer', { ...PEER, port: 1 }, false);
  t.equal(told().length, 1);
  log.dropped('malformed', PEER, false);
  t.match(told().at(-1), { reason: 'malformed' }, 'garbage from there is told nevertheless');
  clock.advance(10_000);
  log.dropped('unknown-peer', PEER, false);
  t.equal(told().length, 3, 'later ones are');
  t.end();
});
