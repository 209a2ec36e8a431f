import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ACK, parsePacket, SYN } from '../../raw-tcp-peer.ts';
import { Intruder } from '../intruder.ts';
import { ports, tcp, udp } from './packets.ts';
import type { Attack, Mounted } from './types.ts';

/* What takes the gateway's file descriptors. */

/** Descriptors that the gateway may have, and how many of them are for sockets to upstreams. */
export const DESCRIPTORS = 256;
const UPSTREAM_SOCKETS = DESCRIPTORS / 4;

/** An address that leads to a real server, where the gateway is configured so. */
export const UPSTREAM = '10.30.0.1';

/** Connections to one port, more than there are descriptors, which are opened again soon after they are closed. */
async function occupy(host: string, port: number): Promise<Mounted> {
  const sockets = new Set<Socket>();
  let opened = 0;
  let held = true;
  const open = (): void => {
    if (!held) return;
    const socket = connect(port, host);
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('connect', () => opened++);
    socket.resume();
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(open, 500);
    });
  };
  for (let i = 0; i < 600; i++) open();
  while (opened < 600) await delay(20);
  return {
    counts: { opened },
    release: async () => {
      held = false;
      await Promise.all(
        Array.from(sockets, (socket) => {
          socket.destroy();
          return once(socket, 'close');
        }),
      );
    },
  };
}

const gatewayConnections: Attack = (target) => occupy(target.host, target.port);

const identityConnections: Attack = (target) => occupy(target.host, Number(new URL(target.authority).port));

const adminConnections: Attack = (target) => occupy(target.host, Number(new URL(target.admin).port));

/** One session's connections to a server beyond the gateway, each with a socket of its own there. */
const upstreamConnections: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  let opened = 0;
  intruder.onPacket = (packet) => {
    if (packet[9] === 6 && parsePacket(packet).flags === (SYN | ACK)) opened++;
  };
  await intruder.send(
    Array.from(ports(600), (sourcePort) =>
      tcp(intruder.address, UPSTREAM, { sourcePort, destinationPort: 80, seq: 1, flags: SYN }),
    ),
  );
  await intruder.settled();
  // As many as there may be; the rest is refused.
  while (opened < UPSTREAM_SOCKETS - 2) await delay(20);
  return { counts: { opened }, release: () => intruder.leave() };
};

/** The same by UDP: a socket for each port that the session sends from. */
const upstreamMappings: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const payload = Buffer.from('to nobody');
  await intruder.send(Array.from(ports(600), (port) => udp(intruder.address, port, UPSTREAM, 9, payload)));
  await intruder.settled();
  return { counts: { sent: 600 }, release: () => intruder.leave() };
};

export const connectionAttacks = {
  gatewayConnections,
  identityConnections,
  adminConnections,
  upstreamConnections,
  upstreamMappings,
} satisfies Record<string, Attack>;
