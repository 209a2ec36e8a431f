import { setTimeout as delay } from 'node:timers/promises';
import { encode } from 'dns-packet';
import { seededRandom } from '../../../../src/lib/random.ts';
import { DtlsIntruder, type DtlsLine, send, udpTo } from '../dtls-intruder.ts';
import type { Target } from '../intruder.ts';
import { DNS, RESOLVER, udp } from './packets.ts';
import type { Attack } from './types.ts';

/* What comes to the UDP port. */

const random = seededRandom(6);

/** A record of an established association, as far as can be told from outside. */
function junkRecord(length: number): Buffer {
  const record = Buffer.concat([Buffer.alloc(13), random.bytes(length)]);
  record[0] = 23;
  record.writeUInt16BE(0xfefd, 1);
  record.writeUInt16BE(1, 3);
  record.writeUIntBE(random.uint32() & 0xffff, 5, 6);
  record.writeUInt16BE(length, 11);
  return record;
}

/** Sends datagrams from as many ports as told, not so many at once that the system drops them unseen. */
async function volley(target: Target, count: number, from: number, make: (index: number) => Buffer): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: from }, () => udpTo(target)));
  for (let i = 0; i < count; i++) {
    await send(sockets[i % from]!, make(i));
    if (i % 200 === 0) await delay(1);
  }
  for (const socket of sockets) socket.close();
  return count;
}

/** Everything that is no DTLS, and some that nearly is. */
const junkDatagrams: Attack = async (target) => {
  const kinds = [
    () => random.bytes(random.uint32() % 1400),
    () => Buffer.alloc(0),
    () => Buffer.alloc(1400, 0x16),
    () => Buffer.from('16fefd0000000000000000000c0100000000000000000000', 'hex'),
    () => junkRecord(100),
  ];
  const sent = await volley(target, 10_000, 50, (i) => kinds[i % kinds.length]!());
  return { counts: { sent }, release: () => {} };
};

/** Begins handshakes of sessions that do not exist, from 64 ports; every other one in fragments that do not become whole. */
const strangeHellos: Attack = async (target) => {
  const known = await DtlsIntruder.join(target);
  const hello = await firstFlight(known);
  const sent = await volley(target, 5000, 64, (i) => {
    const other = Buffer.from(hello);
    // The random, and the session id behind it; then the length of the fragment.
    random.bytes(65).copy(other, 27);
    other[59] = 32;
    if (i % 2 === 0) other.writeUIntBE(20, 22, 3);
    return other;
  });
  return { counts: { sent }, release: () => known.intruder.leave() };
};

async function firstFlight(session: DtlsIntruder): Promise<Buffer> {
  const flight: Buffer[] = [];
  session.engine({ transmit: (datagram) => flight.push(datagram) }).start(performance.now());
  return flight[0]!;
}

/** A ClientHello without its extensions: the shorter the question, the sooner an answer is too long. */
function withoutExtensions(hello: Buffer): Buffer {
  // Record and handshake header, version, random, session id; then cookie, cipher suites and compression methods, each with its length.
  let end = 13 + 12 + 2 + 32;
  end += 1 + hello[end]!;
  end += 1 + hello[end]!;
  end += 2 + hello.readUInt16BE(end);
  end += 1 + hello[end]!;
  const short = Buffer.from(hello.subarray(0, end));
  short.writeUInt16BE(end - 13, 11);
  short.writeUIntBE(end - 25, 14, 3);
  short.writeUIntBE(end - 25, 22, 3);
  return short;
}

/** One hello of a known session from an address that never answers, and what comes back to it, repetitions included. */
const amplification: Attack = async (target) => {
  const session = await DtlsIntruder.join(target);
  const socket = await udpTo(target);
  const counts = { sent: 0, received: 0, datagrams: 0 };
  socket.on('message', (message) => {
    counts.received += message.length;
    counts.datagrams++;
  });
  const hello = withoutExtensions(await firstFlight(session));
  await send(socket, hello);
  counts.sent += hello.length;
  // Three repetitions of the flight would come, the first after 400 ms.
  await delay(3500);
  return {
    counts,
    release: async () => {
      socket.close();
      await session.intruder.leave();
    },
  };
};

/** So many sessions that have moved to DTLS. */
async function onDtls(
  target: Target,
  count: number,
): Promise<{ sessions: DtlsIntruder[]; leave: () => Promise<void> }> {
  const sessions: DtlsIntruder[] = [];
  const lines: DtlsLine[] = [];
  for (let i = 0; i < count; i++) {
    const session = await DtlsIntruder.join(target);
    sessions.push(session);
    lines.push(await session.connect());
  }
  return {
    sessions,
    leave: async () => {
      for (const line of lines) line.close();
      await Promise.all(sessions.map(({ intruder }) => intruder.leave()));
    },
  };
}

/** 100 sessions with DTLS, and records that may be of any of them. */
const junkRecords: Attack = async (target) => {
  const { sessions, leave } = await onDtls(target, 100);
  const sent = await volley(target, 10_000, 64, () => junkRecord(200));
  return {
    counts: { sessions: sessions.length, sent },
    release: leave,
  };
};

/** 10,000 look-ups over DTLS, as fast as they go. */
const lookUpsOverDtls: Attack = async (target) => {
  const session = await DtlsIntruder.join(target);
  const line = await session.connect();
  const question = encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'intranet.contoso.internal' }] });
  for (let i = 0; i < 10_000; i++) {
    line.send(udp(session.intruder.address, 1024 + i, RESOLVER, DNS, question));
    if (i % 500 === 0) await delay(1);
  }
  await line.answered();
  return {
    counts: { sent: 10_000 },
    release: async () => {
      line.close();
      await session.intruder.leave();
    },
  };
};

/** 100 sessions that from now on answer nothing that comes by UDP, nor say anything. */
const udpOutage: Attack = async (target) => {
  const { sessions, leave } = await onDtls(target, 100);
  return { counts: { sessions: sessions.length }, release: leave };
};

export const datagramAttacks = {
  junkDatagrams,
  strangeHellos,
  amplification,
  junkRecords,
  lookUpsOverDtls,
  udpOutage,
} satisfies Record<string, Attack>;
