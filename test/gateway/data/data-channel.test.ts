import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import type { DtlsAssociation, DtlsClientOptions } from '../../../src/dtls/association/types.ts';
import { DtlsClient } from '../../../src/dtls/client.ts';
import { createDataChannels } from '../../../src/gateway/data/data-channel.ts';
import { SILENCE_SCAN_MS } from '../../../src/gateway/data/data-channel-constants.ts';
import type { DataChannelOffer, DataChannelServer } from '../../../src/gateway/data/data-channel-port.ts';
import type { DtlsDataChannel } from '../../../src/gateway/data/dtls-data-channel.ts';
import type { TunnelPort } from '../../../src/gateway/session/channel-ports.ts';
import { type Clock, ManualClock, systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { SimulatorClock } from '../../../src/lib/simulator-clock.ts';
import { systemNetwork } from '../../../src/network/index.ts';
import { Telemetry } from '../../../src/telemetry/index.ts';
import { mergeClientHeaders, noClientHeaders } from '../../../src/wire/cstp-headers.ts';
import { LAB_SETTINGS } from '../../support/tunnel-lab.ts';

const KEY = Buffer.alloc(32, 0x2b);
const asks = (headers: Record<string, string>) =>
  mergeClientHeaders(noClientHeaders(), Object.entries(headers), 'CONNECT');
const PSK = asks({ 'x-dtls-ciphersuite': 'PSK-NEGOTIATE' });

/** A TLS socket of which only the exporter and the cipher are asked; it insists on getting no context. */
const tls = {
  getCipher: () => ({ name: 'TLS_AES_256_GCM_SHA384' }),
  exportKeyingMaterial(...args: unknown[]) {
    if (args.length !== 2 || args[0] !== 32 || args[1] !== 'EXPORTER-openconnect-psk') throw new Error(String(args));
    return KEY;
  },
} as unknown as TLSSocket;

interface Bench extends AsyncDisposable {
  readonly server: DataChannelServer;
  readonly port: number;
  readonly telemetry: Telemetry;
  readonly received: string[];
  batches: number;
  offer(session?: Partial<TunnelPort>): DataChannelOffer;
  client(id: Buffer, options?: Partial<DtlsClientOptions>): Promise<Client>;
}

class Client {
  readonly engine: DtlsClient;
  readonly received: Buffer[] = [];
  #socket: Socket;
  #wake: (() => void)[] = [];
  ended: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, port: number, id: Buffer, options: Partial<DtlsClientOptions>) {
    this.#socket = socket;
    this.engine = new DtlsClient({
      send: (buffer, offset, length) =>
        this.#socket.send(Buffer.from(buffer.subarray(offset, offset + length)), port, '127.0.0.1'),
      peer: { address: '127.0.0.1', port, family: 'IPv4' },
      credentials: { kind: 'psk', key: KEY, identity: 'psk' },
      sessionId: id,
      onConnect: () => this.#changed(),
      onData: (_association, buffer, offset, length) => {
        this.received.push(Buffer.from(buffer.subarray(offset, offset + length)));
        this.#changed();
      },
      onClose: (reason) => {
        this.ended = reason;
        this.#changed();
      },
      ...options,
    });
    this.#listen();
    this.engine.start(performance.now());
    this.#timer = setInterval(() => this.engine.tick(performance.now()), 50);
  }

  get association(): DtlsAssociation<undefined> {
    return this.engine.association!;
  }

  /** Waits until the handshake is complete on this side too. */
  connected(): Promise<void> {
    return this.until(() => this.engine.association !== undefined);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(hex: string): void {
    const bytes = Buffer.from(hex, 'hex');
    this.association.send(bytes, 0, bytes.length);
  }

  async until(fits: () => boolean): Promise<void> {
    while (!fits()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Goes on from another port, as behind a NAT that forgot. */
  async rebind(): Promise<void> {
    this.#socket.close();
    this.#socket = createSocket('udp4');
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    this.#listen();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.engine.close();
    this.#socket.close();
  }

  #listen(): void {
    this.#socket.on('message', (message) => this.engine.input(message, performance.now()));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

async function setup(acceleration: boolean, clock: Clock = systemClock, machine = systemClock): Promise<Bench> {
  const telemetry = new Telemetry({ clock: systemClock });
  const keys: string[] = [];
  const server = createDataChannels({
    mtu: LAB_SETTINGS.mtu,
    onBatchEnd: () => void bench.batches++,
    emit: telemetry.emit,
    clock,
    machine,
    random: systemRandom,
    acceleration,
    network: systemNetwork,
    keylog: (line) => void keys.push(line),
  });
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  await server.bind('127.0.0.1', port);
  const clients: Client[] = [];
  const bench: Bench = {
    server,
    port,
    telemetry,
    received: [],
    batches: 0,
    offer: (over) =>
      server.offer(
        PSK,
        {
          id: 'abc123',
          mtu: 1434,
          dpd: 30,
          answersDpd: () => true,
          channelChanged: () => {},
          receive: (buffer: Buffer, offset: number, length: number) =>
            void bench.received.push(buffer.toString('hex', offset, offset + length)),
          disconnectedByClient: (payload: Buffer) => void bench.received.push(`disconnect ${payload.toString('hex')}`),
          protocolError: (_channel, reason) => void bench.received.push(`error ${reason}`),
          ...over,
        },
        tls,
      )!,
    async client(id, options = {}) {
      const socket = createSocket('udp4');
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      const client = new Client(socket, port, id, options);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.close();
    },
  };
  return bench;
}

const idOf = (offer: DataChannelOffer): Buffer => Buffer.from(offer.headers[0]![1], 'hex');

for (const acceleration of [true, false]) {
  t.test(acceleration ? 'accelerated' : 'on node alone', async (t) => {
    t.test('a client finds its tunnel by the App-ID as session id, and packets pass both ways', async (t) => {
      await using bench = await setup(acceleration);
      const offer = bench.offer();
      t.same(
        offer.headers.map(([name]) => name),
        ['X-DTLS-App-ID', 'X-DTLS-CipherSuite'],
      );
      t.not(idOf(bench.offer()).toString('hex'), idOf(offer).toString('hex'), 'each CONNECT has its own id');
      const client = await bench.client(idOf(offer));
      await bench.telemetry.journal.waitFor({ name: 'channel.switch' });
      t.equal(offer.channel.active, true);
      t.equal(offer.channel.remote, `127.0.0.1:${client.port}`);
      await client.connected();
      client.send('00450102');
      client.send('0300aabb');
      await client.until(() => client.received.length === 1);
      t.same(bench.received, ['450102']);
      t.ok(bench.batches >= 1);
      t.equal(client.received[0]!.toString('hex'), '0400aabb');
      const packet = Buffer.alloc(1450, 0x45);
      t.equal(offer.channel.send(packet, 16, 1434), 'sent');
      await client.until(() => client.received.length === 2);
      t.equal(client.received[1]!.length, 1435);
      t.equal(client.received[1]![0], 0);
      t.ok(client.received[1]!.subarray(1).every((byte) => byte === 0x45));
      t.equal(offer.channel.send(packet, 15, 1435), 'too-large');
    });

    t.test('a client that moves to another port is followed with its next packet', async (t) => {
      await using bench = await setup(acceleration);
      const offer = bench.offer();
      const client = await bench.client(idOf(offer));
      await bench.telemetry.journal.waitFor({ name: 'channel.switch' });
      await client.connected();
      const before = client.port;
      await client.rebind();
      client.send('0045');
      const move = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.move' });
      t.match(move.fields, { from: `127.0.0.1:${before}`, to: `127.0.0.1:${client.port}` });
      t.equal(offer.channel.send(Buffer.alloc(100), 16, 50), 'sent');
      await client.until(() => client.received.length === 1);
      t.same(bench.received, ['45']);
    });

    t.test('an end on one side is known on the other, and the same id may come again', async (t) => {
      await using bench = await setup(acceleration);
      const offer = bench.offer();
      const client = await bench.client(idOf(offer));
      await bench.telemetry.journal.waitFor({ name: 'channel.switch' });
      client.close = () => {};
      client.engine.close();
      const closed = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.close' });
      t.equal(offer.channel.active, false);
      const again = await bench.client(idOf(offer));
      await bench.telemetry.journal.waitFor({ name: 'channel.dtls.open', after: closed.seq });
      t.equal(offer.channel.active, true);
      offer.channel.close();
      await again.until(() => again.ended !== undefined);
      t.equal(again.ended, 'close-notify');
      t.equal(bench.server.stats().channels, 0);
      t.equal(bench.server.stats().associations, 0);
      Client.prototype.close.call(client);
    });

    t.test('an unknown id, and a wrong key, are refused and explained, but not endlessly', async (t) => {
      await using bench = await setup(acceleration);
      await bench.client(systemRandom.bytes(32));
      const unknown = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.refused' });
      t.match(unknown.fields, { reason: 'unknown-session', explanation: /X-DTLS-App-ID/ });
      for (let i = 0; i < 40; i++) await bench.client(systemRandom.bytes(32));
      await bench.client(idOf(bench.offer()));
      const fence = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.open' });
      t.ok(bench.telemetry.journal.query({ name: 'channel.dtls.refused' }).length <= 15);
      // The rest takes the seconds in which no second handshake for one session is begun (§7.4): once is enough.
      if (!acceleration) return;
      const offer = bench.offer();
      const thief = await bench.client(idOf(offer), {
        credentials: { kind: 'psk', key: Buffer.alloc(32, 1), identity: 'psk' },
      });
      await bench.telemetry.journal.waitFor({
        name: 'channel.dtls.refused',
        after: fence.seq,
        where: (event) =>
          event.fields.reason === 'not-authentic' && /earlier TLS connection/.test(String(event.fields.explanation)),
      });
      t.equal(offer.channel.active, false);
      thief.engine.close();
      await bench.client(idOf(offer));
      await bench.telemetry.journal.waitFor({ name: 'channel.dtls.open', after: fence.seq });
      t.equal(offer.channel.active, true, 'the rightful client is not kept out by it');
    });

    t.test('closing the gateway says goodbye to every client', async (t) => {
      const bench = await setup(acceleration);
      const client = await bench.client(idOf(bench.offer()));
      await bench.telemetry.journal.waitFor({ name: 'channel.dtls.open' });
      await bench.server.close();
      await client.until(() => client.ended !== undefined);
      t.equal(client.ended, 'close-notify');
      await bench[Symbol.asyncDispose]();
    });
  });
}

t.test('garbage is told, and a handshake that failed for its keys says where another key may come from', async (t) => {
  await using bench = await setup(true);
  const stranger = createSocket('udp4');
  t.teardown(() => stranger.close());
  stranger.send(Buffer.from('hello?'), bench.port, '127.0.0.1');
  const garbage = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.refused' });
  t.match(garbage.fields, { remote: /^127\.0\.0\.1:\d+$/, reason: 'malformed', withheld: 0 });
  const offer = bench.offer();
  await bench.client(idOf(offer), { credentials: { kind: 'psk', key: Buffer.alloc(32, 1), identity: 'psk' } });
  const refused = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.refused', after: garbage.seq });
  t.match(refused.fields, { reason: 'not-authentic', explanation: /different keys.*earlier TLS connection/ });
});

for (const [who, end] of [
  ['gateway', (bench: Bench) => bench.server.close()],
  ['session', (_: Bench, offer: DataChannelOffer) => offer.channel.close()],
] as const) {
  t.test(`a handshake that ends with its ${who} is no refusal`, async (t) => {
    const machine = new ManualClock();
    await using bench = await setup(true, systemClock, machine);
    const offer = bench.offer();
    // Its last message cannot be read, so that the handshake stays where it is.
    await bench.client(idOf(offer), { credentials: { kind: 'psk', key: Buffer.alloc(32, 1), identity: 'psk' } });
    await bench.telemetry.journal.waitFor({ name: 'channel.dtls.refused', fields: { reason: 'not-authentic' } });
    t.equal(bench.server.stats().handshakes, 1);
    await end(bench, offer);
    machine.advance(60_000);
    t.equal(bench.server.stats().handshakes, 0);
    t.strictSame(
      bench.telemetry.journal
        .query({ name: 'channel.dtls.refused' })
        .map(({ fields }) => fields.reason)
        .filter((reason) => reason !== 'not-authentic'),
      [],
    );
  });
}

t.test('a handler that fails is told and counted, and ends nothing', async (t) => {
  await using bench = await setup(true);
  const offer = bench.offer({
    receive() {
      throw new Error('a defect');
    },
  });
  const client = await bench.client(idOf(offer));
  await bench.telemetry.journal.waitFor({ name: 'channel.dtls.open' });
  await client.connected();
  client.send('0045');
  const told = await bench.telemetry.journal.waitFor({ name: 'channel.dtls.refused' });
  t.match(told.fields, { reason: 'failure', explanation: /a defect/ });
  t.equal(bench.server.stats().failures, 1);
  client.send('03');
  await client.until(() => client.received.length === 1);
  t.pass('the next packet is served');
});

t.test('nothing is offered before the socket is bound, after close, or without a common mode', async (t) => {
  const bench = await setup(true);
  const session = { id: 'abc123', mtu: 1434, dpd: 30 } as TunnelPort;
  t.equal(bench.server.offer(asks({}), session, tls), undefined);
  t.equal(bench.server.overhead(asks({}), tls), undefined);
  t.equal(bench.server.overhead(PSK, tls), 38);
  await bench[Symbol.asyncDispose]();
  t.equal(bench.server.offer(PSK, session, tls), undefined);
});

t.test(
  'when time leaps a client over DTLS is asked first: who answers stays there, who does not is left for TLS',
  async (t) => {
    const clock = new SimulatorClock({ machine: systemClock });
    t.teardown(() => clock.close());
    await using bench = await setup(false, clock);
    const names = ['alive', 'silent'] as const;
    const offers = names.map((id) => bench.offer({ id, dpd: 30 }));
    for (const [index, name] of names.entries()) {
      const client = await bench.client(idOf(offers[index]!), {
        onData: (association, buffer, offset) => {
          if (name === 'alive' && buffer[offset] === 3) association.send(Buffer.from([4]), 0, 1);
        },
      });
      await client.connected();
    }
    while (offers.some((offer) => !offer.channel.active)) await new Promise((resolve) => setImmediate(resolve));
    bench.server.askBefore(60_000);
    t.equal(bench.server.asked, false, 'a leap that is no reason to ask');
    const leap = 3_600_000;
    bench.server.askBefore(leap);
    t.equal(bench.server.asked, true);
    const moving = clock.advance(leap);
    while (!answered(offers[0]!)) await new Promise((resolve) => setImmediate(resolve));
    await moving;
    bench.server.leapt();
    t.strictSame(
      offers.map((offer) => offer.channel.active),
      [true, false],
    );
    t.equal(bench.server.asked, true, 'the one that is silent has not answered yet');
    const switches = bench.telemetry.journal.query({ name: 'channel.switch', fields: { to: 'cstp' } });
    t.match(switches, [{ fields: { session: 'silent' } }]);
  },
);

t.test('a look costs what is due, not what is there', async (t) => {
  const machine = new ManualClock();
  await using bench = await setup(false, machine, machine);
  const channels = Array.from({ length: 50 }, () => bench.offer().channel as DtlsDataChannel);
  let looks = 0;
  for (const channel of channels) {
    const check = channel.check.bind(channel);
    channel.check = (now, late) => {
      looks++;
      check(now, late);
    };
  }
  machine.advance(9_000);
  t.equal(looks, 0);
  machine.advance(2_000);
  t.equal(looks, channels.length);
  t.equal(bench.telemetry.journal.count({ name: 'channel.dtls.missing' }), channels.length);
});

t.test(
  'clients that do not use UDP are looked at no more once that has been told, and those that come then are',
  async (t) => {
    const machine = new ManualClock();
    await using bench = await setup(false, machine, machine);
    const offer = bench.offer();
    t.equal(machine.pending, 1, 'the next look');
    machine.advance(11_000);
    t.equal(bench.telemetry.journal.count({ name: 'channel.dtls.missing' }), 1);
    t.equal(machine.pending, 0, 'there is nothing to look at');
    const client = await bench.client(idOf(offer));
    await client.connected();
    while (!offer.channel.active) await new Promise((resolve) => setImmediate(resolve));
    for (let second = 0; second < 91; second++) machine.advance(1000);
    t.equal(offer.channel.active, false, 'its silence counts');
  },
);

t.test('no look is planned for a client whose silence has no meaning', async (t) => {
  const machine = new ManualClock();
  await using bench = await setup(false, machine, machine);
  const offer = bench.offer({ dpd: 0 });
  machine.advance(11_000);
  t.equal(machine.pending, 0);
  const planned: number[] = [];
  const setTimer = machine.setTimer.bind(machine);
  machine.setTimer = (ms, fn) => {
    planned.push(ms);
    return setTimer(ms, fn);
  };
  const client = await bench.client(idOf(offer));
  await client.connected();
  while (!offer.channel.active) await new Promise((resolve) => setImmediate(resolve));
  t.notOk(planned.includes(SILENCE_SCAN_MS), 'with DPD off, until data is sent');
  t.equal(offer.channel.send(Buffer.alloc(100), 16, 50), 'sent');
  t.ok(planned.includes(SILENCE_SCAN_MS));
});

t.test('an association that ends outside a batch ends at a time, too', async (t) => {
  await using bench = await setup(false);
  const offer = bench.offer();
  const client = await bench.client(idOf(offer));
  await client.connected();
  await bench.telemetry.journal.waitFor({ name: 'channel.dtls.open' });
  (offer.channel as DtlsDataChannel).closeAssociation();
  const change = await bench.telemetry.journal.waitFor({ name: 'channel.switch', fields: { to: 'cstp' } });
  t.ok(Number(change.fields.silence) >= 0, `${change.fields.silence} ms of silence`);
});

t.test('while time stands still nobody is silent over DTLS', async (t) => {
  const machine = new ManualClock();
  const clock = new SimulatorClock({ machine, mode: 'manual' });
  t.teardown(() => clock.close());
  await using bench = await setup(false, clock, machine);
  const offer = bench.offer({ dpd: 30 });
  const client = await bench.client(idOf(offer));
  await client.connected();
  while (!offer.channel.active) await new Promise((resolve) => setImmediate(resolve));
  for (let second = 0; second < 600; second++) machine.advance(1000);
  t.equal(offer.channel.active, true);
  clock.resume();
  for (let second = 0; second < 89; second++) machine.advance(1000);
  t.equal(bench.server.stats()['probes']! > 0, true, 'now it is asked');
  for (let second = 0; second < 2; second++) machine.advance(1000);
  t.equal(offer.channel.active, false);
});

/** The client was heard since it was asked. */
const answered = (offer: DataChannelOffer): boolean => !(offer.channel as DtlsDataChannel).asked;
