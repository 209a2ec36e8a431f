import { setTimeout as delay } from 'node:timers/promises';
import { encode, RECURSION_DESIRED } from 'dns-packet';
import { ipPacket } from '../../ip-packets.ts';
import { SYN } from '../../raw-tcp-peer.ts';
import { openFlows } from '../flows.ts';
import { Intruder, type Target } from '../intruder.ts';
import { DNS, ECHO, echoRequest, FORBIDDEN, GENERATOR, INTRANET, ports, RESOLVER, TOOLS, tcp, udp } from './packets.ts';
import type { Attack, Mounted } from './types.ts';

/** The domain of an upstream rule, where the gateway is configured so. */
export const WILDCARD = 'apps.contoso.internal';

/* One session that takes all it can get of what sessions share. */

/**
 * Sends packets into a tunnel, and stays.
 * @param again what it goes on to send then, so that whatever becomes free is taken at once; a portion each time it is called
 */
async function flood(
  target: Target,
  packets: (address: string) => Iterable<Buffer>,
  again?: (address: string, round: number) => Iterable<Buffer>,
): Promise<Mounted> {
  const intruder = await Intruder.join(target);
  const { address } = intruder;
  let answers = 0;
  intruder.onPacket = () => answers++;
  let sent = 0;
  const counted = function* (): Generator<Buffer> {
    for (const packet of packets(address)) {
      sent++;
      yield packet;
    }
  };
  await intruder.send(counted());
  await intruder.settled();
  const counts = { sent, answers };
  let held = true;
  const going = (async () => {
    for (let round = 0; again && held; round++) {
      await intruder.send(again(address, round));
      await delay(20);
    }
  })();
  return {
    counts,
    release: async () => {
      held = false;
      await going;
      await intruder.leave();
    },
  };
}

/** Numbers in a circle, each only once in a while. */
const inTurn = (first: number, count: number, round: number): Iterable<number> =>
  ports(100, first + ((100 * round) % count));

/** 4,200 connections of which nothing comes but the first segment. */
const syns: Attack = (target) => {
  const syn = (address: string, sourcePort: number): Buffer => tcp(address, TOOLS, { sourcePort, seq: 1, flags: SYN });
  return flood(
    target,
    function* (address) {
      for (const port of ports(4200)) yield syn(address, port);
    },
    function* (address, round) {
      for (const port of inTurn(6000, 50_000, round)) yield syn(address, port);
    },
  );
};

const question = (name: string): Buffer =>
  encode({ type: 'query', id: 1, flags: RECURSION_DESIRED, questions: [{ type: 'A', name }] });

/** 33,000 look-ups, each from a port of its own. */
const lookUps: Attack = (target) => {
  const asked = question('intranet.contoso.internal');
  return flood(target, function* (address) {
    for (const port of ports(33_000)) yield udp(address, port, RESOLVER, DNS, asked);
  });
};

/** 10,000 names that nobody has asked for before. */
const newNames: Attack = (target) =>
  flood(target, function* (address) {
    for (let i = 0; i < 10_000; i++) {
      yield udp(address, 1024 + i, RESOLVER, DNS, question(`n${i}.${'a.'.repeat(i % 40)}contoso.internal`));
    }
  });

/** 10,000 names that an upstream rule brings in with its asterisk, each of which wants an address. */
const wildcardNames: Attack = (target) =>
  flood(target, function* (address) {
    for (let i = 0; i < 10_000; i++) yield udp(address, 1024 + i, RESOLVER, DNS, question(`n${i}.${WILDCARD}`));
  });

/** All the mappings that there are, each kept for two minutes. */
const mappings: Attack = (target) => {
  const payload = Buffer.from('hold this');
  return flood(
    target,
    function* (address) {
      for (const port of ports(33_000)) yield udp(address, port, TOOLS, ECHO, payload);
    },
    function* (address, round) {
      for (const port of inTurn(35_000, 30_000, round)) yield udp(address, port, TOOLS, ECHO, payload);
    },
  );
};

/** 3,300 packets of which the rest never comes. */
const fragments: Attack = (target) => {
  const payload = Buffer.alloc(1280);
  const first = (source: string, id: number): Buffer =>
    ipPacket({ source, destination: TOOLS, protocol: 17, id, fragment: { at: 0, more: true }, payload });
  return flood(
    target,
    function* (address) {
      for (let id = 1; id <= 3300; id++) yield first(address, id);
    },
    function* (address, round) {
      for (const id of inTurn(4000, 60_000, round)) yield first(address, id);
    },
  );
};

/** Fragments that lie across each other, in every way, and many of one packet. */
const overlappingFragments: Attack = (target) => {
  const payload = Buffer.alloc(64);
  return flood(target, function* (source) {
    for (let id = 1; id <= 200; id++) {
      for (let i = 0; i < 100; i++) {
        const at = ((i * 37) % 100) * (id % 2 === 0 ? 64 : 40);
        yield ipPacket({ source, destination: TOOLS, protocol: 17, id, fragment: { at, more: true }, payload });
      }
    }
  });
};

/** 2,051 connections to a service that sends without end, to somebody who takes nothing. */
const zeroWindows: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const flows = await openFlows(intruder, {
    ports: ports(2051),
    destination: TOOLS,
    destinationPort: GENERATOR,
    window: 0,
  });
  return { counts: { flows: flows.size }, release: () => intruder.leave() };
};

/** 5,000 connections to where nobody may go, by TCP and UDP. */
const forbiddenTargets: Attack = (target) =>
  flood(target, function* (address) {
    for (const sourcePort of ports(5000)) yield tcp(address, FORBIDDEN, { sourcePort, seq: 1, flags: SYN });
    for (const port of ports(5000)) yield udp(address, port, FORBIDDEN, ECHO, Buffer.from('?'));
  });

/** Connections to ports of a host that nothing listens on. */
const closedPorts: Attack = (target) =>
  flood(target, function* (address) {
    for (const port of ports(5000)) {
      yield tcp(address, INTRANET, { sourcePort: port, destinationPort: port, seq: 1, flags: SYN });
    }
  });

/** Packets in the names of others: of the neighbour's address, of services, of nobody. */
const spoofedSources: Attack = (target) =>
  flood(target, function* (address) {
    const own = address.split('.').map(Number);
    const neighbours = Array.from({ length: 8 }, (_, i) => [...own.slice(0, 3), (own[3]! + 252 + i) & 255].join('.'));
    const others = [
      ...neighbours.filter((one) => one !== address),
      INTRANET,
      '127.0.0.1',
      '0.0.0.0',
      '255.255.255.255',
    ];
    for (let i = 0; i < 5000; i++) {
      const source = others[i % others.length]!;
      yield tcp(source, TOOLS, { sourcePort: 1024 + i, seq: 1, flags: SYN });
      yield udp(source, 1024 + i, TOOLS, ECHO, Buffer.from('whose is this?'));
    }
  });

/** Pings, small and large, as fast as they go. */
const pings: Attack = (target) =>
  flood(target, function* (source) {
    const [large, small] = [1300, 64].map((bytes) => echoRequest(source, INTRANET, Buffer.alloc(bytes)));
    for (let i = 0; i < 10_000; i++) yield i % 10 === 0 ? large! : small!;
  });

export const tableAttacks = {
  syns,
  lookUps,
  newNames,
  wildcardNames,
  mappings,
  fragments,
  overlappingFragments,
  zeroWindows,
  forbiddenTargets,
  closedPorts,
  spoofedSources,
  pings,
} satisfies Record<string, Attack>;
