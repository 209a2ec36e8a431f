import { createSecretKey } from 'node:crypto';
import t from 'tap';
import type { DtlsPeer } from '../../../src/dtls/association/types.ts';
import { DtlsClient } from '../../../src/dtls/client.ts';
import { DtlsServer } from '../../../src/dtls/server.ts';
import { noFaults } from '../../../src/faults/ports.ts';
import { SILENCE_SCAN_MS } from '../../../src/gateway/data/data-channel-constants.ts';
import { DtlsDataChannel, newDataChannelCounters } from '../../../src/gateway/data/dtls-data-channel.ts';
import type { ControlChannel } from '../../../src/gateway/session/channel-ports.ts';
import type { Traffic } from '../../../src/gateway/session/traffic.ts';
import { Tunnel } from '../../../src/gateway/session/tunnel.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import { DtlsPacketType } from '../../../src/wire/dtls-channel.ts';
import { ipv4Packet, tunnelTerms, withHeadroom } from '../../support/gateway.ts';

const SESSIONS = 5000;
const DPD = 30;
const PING_MS = 10_000;
const KEY = Buffer.alloc(32, 1);
const COUNTERS = newDataChannelCounters();

interface Peer {
  readonly tunnel: Tunnel;
  readonly channel: DtlsDataChannel;
  readonly client: DtlsClient;
  /** Packets that came over TLS. */
  overTls: number;
}

t.test(
  `${SESSIONS} sessions that lose UDP at once are all on TLS after two DPD periods and five seconds`,
  async (t) => {
    const clock = new ManualClock();
    const random = seededRandom(11);
    const clients = new Map<number, DtlsClient>();
    const channels = new Map<string, DtlsDataChannel>();
    let up = true;
    const engine = new DtlsServer<DtlsDataChannel>({
      send: (buffer, offset, length, peer) => {
        if (up) clients.get(peer.port)?.input(Buffer.from(buffer.subarray(offset, offset + length)), clock.monotonic());
      },
      random,
      lookup: (hello) => {
        const channel = channels.get(hello.sessionId.toString('latin1'));
        channel?.helloArrived();
        return channel && { kind: 'psk', key: createSecretKey(KEY), context: channel, session: channel };
      },
      onConnect: (association) => association.context.connected(association, clock.monotonic()),
      onData: (association, buffer, offset, length) =>
        association.context.input(association, buffer, offset, length, clock.monotonic()),
      onClose: () => {},
    });

    const connect = (index: number): Peer => {
      const address = Buffer.from([10, 1, index >> 8, index & 0xff]);
      const tunnel: Tunnel = new Tunnel(
        tunnelTerms({ dpd: DPD, address4: { index, text: [...address].join('.'), bytes: address } }),
        {
          id: String(index),
          emit: () => {},
          faults: noFaults,
          taps: {},
          get packetSeam(): never {
            throw new Error('there is no fault');
          },
          answersDpd: () => true,
          get coarseNow() {
            return clock.monotonic();
          },
          get monotonic() {
            return clock.monotonic();
          },
          // Everything is answered, as by a host that is pinged.
          handOn: (buffer, offset, length) => {
            const copy = withHeadroom(buffer.subarray(offset, offset + length));
            tunnel.deliver(copy.buffer, copy.offset, copy.length);
          },
          pathChanged: () => {},
          lookSooner: () => {},
          end: (reason) => t.fail(`session ${index} ended: ${reason}`),
        },
      );
      const control: ControlChannel = {
        remote: '',
        sendData: () => {
          peer.overTls++;
          return true;
        },
        checkLiveness: () => undefined,
        excuse: () => {},
        askBefore: () => false,
        asked: false,
        vouch: () => {},
        deadAt: () => Infinity,
        nextLook: () => Infinity,
        close: () => {},
      };
      const key = random.bytes(32).toString('latin1');
      const channel = new DtlsDataChannel({
        tunnel,
        port: 443,
        key,
        clock,
        emit: () => {},
        counters: { ...COUNTERS },
        onSooner: () => {},
        onClose: () => {},
      });
      channels.set(channel.key, channel);
      tunnel.open(control, channel);
      const remote: DtlsPeer = { address: '192.0.2.1', port: index, family: 'IPv4' };
      const client = new DtlsClient({
        credentials: { kind: 'psk', key: KEY, identity: 'psk' },
        sessionId: Buffer.from(key, 'latin1'),
        peer: { address: '192.0.2.9', port: 443, family: 'IPv4' },
        send: (buffer, offset, length) => {
          if (up) engine.input(Buffer.from(buffer.subarray(offset, offset + length)), remote, clock.monotonic());
        },
        onData: (association, buffer, offset) => {
          if (buffer[offset] === DtlsPacketType.DpdRequest) {
            association.send(Buffer.from([DtlsPacketType.DpdResponse]), 0, 1);
          }
        },
        onClose: () => {},
      });
      clients.set(index, client);
      const peer: Peer = { tunnel, channel, client, overTls: 0 };
      return peer;
    };

    const peers = Array.from({ length: SESSIONS }, (_, i) => connect(i + 1));
    for (const { client } of peers) client.start(0);
    t.equal(peers.filter(({ channel }) => channel.active).length, SESSIONS, 'all are on DTLS');

    /** A ping of the client over the channel that it uses: TLS once it has heard nothing over DTLS for two DPD periods. */
    const ping = (peer: Peer, index: number, silence: number): void => {
      const packet = ipv4Packet(peer.tunnel.terms.address4!.text, '10.20.0.1', 84, 1);
      if (silence <= 2 * DPD * 1000) {
        const record = Buffer.concat([Buffer.from([DtlsPacketType.Data]), packet]);
        peer.client.association!.send(record, 0, record.length);
      } else {
        peer.tunnel.receiveControlData(packet, 0, packet.length);
      }
      if (index === 0) t.comment(`first client pings ${silence} ms after the outage`);
    };

    let lostAt = Infinity;
    /** Lets time pass, with pings spread over their interval; every other client never says anything by itself. */
    const run = (until: number): void => {
      for (let now = clock.monotonic(); now < until; now += SILENCE_SCAN_MS) {
        clock.advance(SILENCE_SCAN_MS);
        const time = clock.monotonic();
        for (let i = 0; i < SESSIONS; i += 2) {
          if ((time + (i / 2) * SILENCE_SCAN_MS) % PING_MS === 0) ping(peers[i]!, i, Math.max(0, time - lostAt));
        }
        for (const { channel } of peers) channel.check(time);
      }
    };

    run(100_000);
    const onDtls = peers.filter(({ channel }) => channel.active).length;
    t.equal(onDtls, SESSIONS, 'idle ones stay there as long as they answer');
    up = false;
    lostAt = clock.monotonic();
    run(lostAt + (2 * DPD + 5) * 1000);
    t.equal(peers.filter(({ channel }) => !channel.active).length, SESSIONS, 'all have moved');

    const before = peers.map((peer): Pick<Traffic, 'packetsIn'> & { overTls: number } => ({
      packetsIn: peer.tunnel.packetsIn,
      overTls: peer.overTls,
    }));
    run(clock.monotonic() + 2 * PING_MS);
    const pinging = peers.filter((_, i) => i % 2 === 0);
    t.ok(
      pinging.every((peer, i) => peer.tunnel.packetsIn === before[2 * i]!.packetsIn + 2),
      'every ping arrives',
    );
    t.ok(
      pinging.every((peer, i) => peer.overTls === before[2 * i]!.overTls + 2),
      'and is answered over TLS',
    );
    for (const { client, channel } of peers) {
      channel.close();
      client.close();
    }
    engine.close();
  },
);
