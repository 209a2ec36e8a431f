import { once } from 'node:events';
import type { Server } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import type { Test } from 'tap';
import { type Clock, ManualClock, systemClock } from '../../src/lib/clock.ts';
import type {
  TcpConnectRequest,
  TcpFlow,
  UdpDatagramHandler,
  UdpFlow,
  UdpFlowRequest,
} from '../../src/netstack/core/types.ts';
import { ResourceBroker } from '../../src/resources/broker.ts';
import { createPolicy } from '../../src/resources/policy.ts';
import type { ServiceHandlers } from '../../src/resources/types.ts';
import { UpstreamRules } from '../../src/resources/upstream-rules.ts';
import type { SocketLimitReached } from '../../src/resources/upstream-sockets.ts';
import { Telemetry } from '../../src/telemetry/index.ts';

/** A connect request as the netstack would raise it, with what became of it. */
export function tcpRequest(address: string, port: number, owner?: object) {
  const [near, far] = duplexPair();
  const outcome = { accepted: false, refused: undefined as string | undefined, dropped: false };
  let settle: () => void;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const request = {
    owner,
    family: 4,
    localAddress: address,
    localPort: port,
    remoteAddress: '169.254.0.2',
    remotePort: 40_000,
    accept: () => {
      outcome.accepted = true;
      settle();
      return { toDuplex: () => far, stats: () => ({ bytesIn: 11, bytesOut: 22 }) } as unknown as TcpFlow;
    },
    refuse: (how = 'reset') => {
      outcome.refused = how;
      settle();
    },
    drop: () => {
      outcome.dropped = true;
      settle();
    },
  } satisfies TcpConnectRequest;
  return { request, outcome, settled, stream: near };
}

export function udpRequest(address: string, port: number, first: Buffer) {
  const sent: { payload: string; from: string }[] = [];
  const outcome = { refused: undefined as string | undefined, closed: false };
  /** Answers to datagrams of the mapping that were refused. */
  const refusals: string[] = [];
  let waiting: (() => void) | undefined;
  let deliver: UdpDatagramHandler = () => {};
  const flow = {
    family: 4,
    remoteAddress: '169.254.0.2',
    remotePort: 40_000,
    handler: () => {},
    onClose: undefined,
    onError: undefined,
    send: (payload: Uint8Array, localAddress: string, localPort: number) => {
      sent.push({ payload: Buffer.from(payload).toString(), from: `${localAddress}:${localPort}` });
      waiting?.();
      return true;
    },
    refuse: (how = 'reset') => void refusals.push(how),
    close: () => {
      outcome.closed = true;
      flow.onClose?.();
    },
  } as UdpFlow;
  const request = {
    owner: undefined,
    family: 4,
    localAddress: address,
    localPort: port,
    remoteAddress: '169.254.0.2',
    remotePort: 40_000,
    accept: (handler: UdpDatagramHandler) => {
      deliver = handler;
      handler(first, address, port);
      return flow;
    },
    refuse: (how = 'reset') => {
      outcome.refused = how;
    },
    drop: () => {},
  } satisfies UdpFlowRequest;
  const next = (count: number) =>
    new Promise<void>((resolve) => {
      waiting = () => sent.length >= count && resolve();
      waiting();
    });
  return {
    request,
    outcome,
    refusals,
    sent,
    next,
    flow,
    deliver: (...args: Parameters<UdpDatagramHandler>) => deliver(...args),
  };
}

export const ALICE = {
  session: 's1',
  person: { username: 'alice', signInName: undefined, objectId: undefined, tenantId: undefined },
};

export const setup = (
  t: Test,
  options: {
    upstreams?: { match: string; to?: { host: string; port: number }; local?: boolean }[];
    refuse?: string;
    clock?: Clock;
    names?: Record<string, readonly string[]>;
    lookUp?: (host: string) => Promise<readonly string[]>;
    maxSockets?: number;
    onLimit?: (reached: SocketLimitReached) => void;
  } = {},
) => {
  const telemetry = new Telemetry({ clock: new ManualClock() });
  const opened: Duplex[] = [];
  const names: Record<string, readonly string[]> = { '10.20.0.10': ['intranet'], ...options.names };
  /** Addresses that are in use, once for each flow. */
  const kept: string[] = [];
  const services: ServiceHandlers = {
    stream: (service) => (service === 'web' ? { open: (stream) => void opened.push(stream) } : undefined),
    datagram: (service) => (service === 'echo' || service === 'dns' ? { answer: (payload) => payload } : undefined),
  };
  const rules = new UpstreamRules((options.upstreams ?? []).map((rule) => ({ ports: [], to: undefined, ...rule })));
  const broker = new ResourceBroker({
    policy: createPolicy({
      services: {
        find: (address, port, protocol) =>
          address === '10.20.0.10'
            ? {
                host: 'intranet',
                service: protocol === 'tcp' ? { 80: 'web' }[port] : { 7: 'echo', 53: 'dns' }[port],
              }
            : undefined,
      },
      upstreams: rules,
      answersPing: (address) => address === '10.20.0.10',
    }),
    services,
    emit: telemetry.emit,
    clock: options.clock ?? systemClock,
    ...(options.maxSockets === undefined ? {} : { maxSockets: options.maxSockets }),
    ...(options.onLimit ? { onLimit: options.onLimit } : {}),
    names: {
      namesOf: (address) => names[address] ?? [],
      isVirtual: (address) => address.startsWith('10.20.240.'),
      keep(address, session) {
        t.equal(session, 's1');
        kept.push(address);
        return () => void kept.splice(kept.indexOf(address), 1);
      },
    },
    ...(options.lookUp ? { lookUp: options.lookUp } : {}),
    ...(options.refuse
      ? { faults: { resource: () => ({ kind: 'refuse', answer: 'reset', explanation: options.refuse! }) as const } }
      : {}),
  });
  t.teardown(() => broker.close());
  return { broker, rules, journal: telemetry.journal, opened, kept };
};

export const listen = async (t: Test, server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
};
