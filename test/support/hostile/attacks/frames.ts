import { once } from 'node:events';
import {
  CSTP_HEADER_BYTES,
  CstpType,
  DISCONNECT_BY_USER,
  serializeCstp,
  writeCstpHeader,
} from '../../../../src/wire/cstp.ts';
import { ACK, FIN } from '../../raw-tcp-peer.ts';
import { openFlows } from '../flows.ts';
import { dial, Intruder } from '../intruder.ts';
import { ECHO, echoRequest, INTRANET, ports, TOOLS, tcp } from './packets.ts';
import type { Attack } from './types.ts';

/* Sessions that abuse the channel itself. */

/** 200,000 packets of no length: data, keepalives, and types that nobody knows. */
const emptyFrames: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const types = [CstpType.Data, CstpType.Keepalive, CstpType.DpdResponse, 6, 77, 255];
  const frames = Buffer.concat(Array.from({ length: 6000 }, (_, i) => serializeCstp(types[i % types.length]!)));
  let sent = 0;
  for (; sent < 200_000; sent += 6000) await intruder.raw(frames);
  await intruder.settled();
  return { counts: { sent }, release: () => intruder.leave() };
};

/** Packets that say they are longer than may be, or are of another version, or none: each ends its session. */
const wrongFrames: Attack = async (target) => {
  const headers = ['5354460140000000', '53544601ffff0000', '5354460200000000', '5354460100000001', '4745542f20485454'];
  let ended = 0;
  for (let i = 0; i < 60; i++) {
    const intruder = await Intruder.join(target);
    await intruder.raw(Buffer.concat([Buffer.from(headers[i % headers.length]!, 'hex'), Buffer.alloc(30_000)]));
    await intruder.client.ended;
    ended++;
    intruder.client.close();
  }
  return { counts: { ended }, release: () => {} };
};

/** One packet after the other, each byte in a TLS record of its own. */
const dribbledFrames: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const frame = serializeCstp(CstpType.Keepalive, Buffer.alloc(200));
  let records = 0;
  for (let i = 0; i < 50; i++) {
    for (let at = 0; at < frame.length; at++) {
      const written = new Promise((resolve) => intruder.client.tls.write(frame.subarray(at, at + 1), resolve));
      records++;
      await written;
    }
  }
  await intruder.settled();
  return { counts: { records }, release: () => intruder.leave() };
};

/** Asks to be answered, at full length, and takes no answer. */
const deafProbes: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const { tls } = intruder.client;
  tls.pause();
  const probes = Buffer.concat(
    Array.from({ length: 50 }, () => serializeCstp(CstpType.DpdRequest, Buffer.alloc(1300))),
  );
  let sent = 0;
  for (; sent < 20_000; sent += 50) await intruder.raw(probes);
  return {
    counts: { sent },
    release: async () => {
      tls.resume();
      await intruder.leave();
    },
  };
};

/** Six sessions that ask for more than fits the queues on the way to them, and read nothing of it. */
const deafReaders: Attack = async (target) => {
  const intruders: Intruder[] = [];
  for (let i = 0; i < 6; i++) {
    const intruder = await Intruder.join(target);
    intruders.push(intruder);
    intruder.client.tls.pause();
    const ping = echoRequest(intruder.address, INTRANET, Buffer.alloc(1300));
    await intruder.send(Array.from({ length: 6000 }, () => ping));
  }
  return {
    counts: { sessions: intruders.length },
    release: async () => {
      for (const { client } of intruders) client.tls.resume();
      await Promise.all(intruders.map((intruder) => intruder.leave()));
    },
  };
};

/** Sessions whose last segments come in one record with their goodbye. */
const goodbyes: Attack = async (target) => {
  let flows = 0;
  for (let i = 0; i < 40; i++) {
    const intruder = await Intruder.join(target);
    const opened = await openFlows(intruder, { ports: ports(30), destination: TOOLS, destinationPort: ECHO });
    flows += opened.size;
    const frames = Array.from(opened.values(), ({ port: sourcePort, seq, ack }) =>
      serializeCstp(CstpType.Data, tcp(intruder.address, TOOLS, { sourcePort, seq, ack, flags: FIN | ACK })),
    );
    await intruder.raw(
      Buffer.concat([...frames, serializeCstp(CstpType.Disconnect, Buffer.from([DISCONNECT_BY_USER]))]),
    );
    await intruder.client.ended;
    intruder.client.close();
  }
  return { counts: { flows }, release: () => {} };
};

/** One cookie, with which one connection after the other takes the tunnel over. */
const takeOvers: Attack = async (target) => {
  const first = await Intruder.join(target);
  const cookie = first.cookie;
  let taken = 0;
  for (let i = 0; i < 100; i++) {
    const client = await dial(target);
    const answer = await client.connectTunnel(cookie);
    if (answer?.startsWith('HTTP/1.1 200')) taken++;
    if (i % 2 === 0) client.close();
    else await Promise.race([once(client.tls, 'close'), Promise.resolve()]);
  }
  const last = await Intruder.take(target, cookie);
  return { counts: { taken }, release: () => last.leave() };
};

/** Half a packet, and a connection that breaks there. */
const halfFrames: Attack = async (target) => {
  const header = Buffer.alloc(CSTP_HEADER_BYTES);
  writeCstpHeader(header, 0, CstpType.Data, 16_000);
  for (let i = 0; i < 50; i++) {
    const intruder = await Intruder.join(target);
    await intruder.raw(Buffer.concat([header, Buffer.alloc(8000)]));
    intruder.client.close();
  }
  return { counts: { sessions: 50 }, release: () => {} };
};

export const frameAttacks = {
  emptyFrames,
  wrongFrames,
  dribbledFrames,
  deafProbes,
  deafReaders,
  goodbyes,
  takeOvers,
  halfFrames,
} satisfies Record<string, Attack>;
