import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { connect, start } from '../support/running-simulator.ts';

t.setTimeout(120_000);

t.test('the flights of a handshake are events of its session, and none above their level', async (t) => {
  const sim = await start(t);
  const quiet = await start(t, { journal: { level: 'info' } });
  for (const one of [sim, quiet]) {
    const { id } = await connect(t, one);
    await one.journal.waitFor({ name: 'channel.dtls.open', fields: { session: id } });
    const flights = one.journal.query({ name: 'channel.dtls.flight', fields: { session: id } });
    if (one === quiet) {
      t.strictSame(flights, []);
      continue;
    }
    const first = flights.filter(({ fields }) => fields.repeat === 0);
    t.strictSame(
      first.map(({ fields }) => `${fields.direction} ${fields.flight} ${fields.messages}`),
      [
        'in 1 ClientHello',
        'out 4 ServerHello, ServerHelloDone',
        'in 5 ClientKeyExchange, ChangeCipherSpec, Finished',
        'out 6 ChangeCipherSpec, Finished',
      ],
    );
    const open = one.journal.query({ name: 'channel.dtls.open' })[0]!;
    t.ok(first.slice(0, 3).every(({ seq }) => seq < open.seq));
    t.match(
      first[1]!.text,
      /^DTLS flight 4 of [a-z0-9]{6} to 127\.0\.0\.1:\d+: ServerHello, ServerHelloDone \(1 datagram, \d+ bytes\)$/,
    );
    t.ok(
      sim
        .explain(id)
        .steps.some(({ text }) => text === 'Sent in DTLS: ClientHello, ClientKeyExchange, ChangeCipherSpec, Finished'),
    );
  }
});

t.test('a flight that a rule drops is told as lost, and DTLS comes up late', async (t) => {
  const sim = await start(t);
  sim.faults.add({
    name: 'lost',
    on: { seam: 'udp', direction: 'out', kind: 'handshake' },
    when: { times: 1 },
    then: { do: 'drop' },
  });
  const { id } = await connect(t, sim);
  await sim.journal.waitFor({ name: 'channel.dtls.open', fields: { session: id } });
  t.match(sim.journal.query({ name: 'channel.dtls.flight' }).filter(({ fields }) => fields.repeat > 0)[0], {
    fields: {
      session: id,
      flight: /^[14]$/,
      explanation: /The client did not receive flight 4|Nothing was received from the client since/,
    },
  });
  const finding = sim.explain(id).findings.find(({ cause }) => cause === 'dtls-flight-lost');
  t.match(finding, { rule: 'lost', what: /^Flight 4 \(ServerHello, ServerHelloDone\) was/ });
});

t.test('an event is wanted while the journal, the log or a listener takes its level', async (t) => {
  let logs = false;
  const log = () => {};
  const telemetry = new Telemetry({
    clock: new ManualClock(),
    journalLevel: 'info',
    logger: {
      trace: log,
      debug: log,
      info: log,
      warn: log,
      error: log,
      isLevelEnabled: (level) => logs || level === 'error',
    },
  });
  const wanted = () => telemetry.emit.wanted!('debug');
  t.equal(wanted(), false);
  logs = true;
  t.equal(wanted(), true);
  logs = false;
  const end = telemetry.subscribe(() => {});
  t.equal(wanted(), true);
  end();
  t.equal(wanted(), false);
  telemetry.useJournalLevel('debug');
  t.equal(wanted(), true);
  t.equal(telemetry.emit.wanted!('trace'), false);
});
