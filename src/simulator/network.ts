import type { Config } from '../config/index.ts';
import type { FaultPorts } from '../faults/ports.ts';
import type { Gateway, PacketPort } from '../gateway/index.ts';
import type { Clock } from '../lib/clock.ts';
import { CloseStack } from '../lib/dispose.ts';
import type { RandomSource } from '../lib/random.ts';
import { createNetstack, driveNetstack, type Netstack } from '../netstack/index.ts';
import { createPolicy, Resolver, ResourceBroker, type ServiceDirectory } from '../resources/index.ts';
import { createOnPremises, type OnPremises, type OnPremisesHost } from '../services/index.ts';
import type { Emit } from '../telemetry/events.ts';

export interface NetworkOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  readonly faults: FaultPorts;
  /** PEM chain and key of the mock services. */
  readonly tls: { readonly cert: string; readonly key: string };
}

/** The gateway's inside: netstack, resources and mock services, joined to one gateway by `attach`. */
export interface InnerNetwork {
  readonly stack: Netstack;
  readonly onPremises: OnPremises;
  readonly broker: ResourceBroker;
  attach(gateway: Gateway): void;
  close(): Promise<void>;
}

/** Builds everything behind the gateway; nothing in it has a socket until an upstream is dialled. */
export async function createInnerNetwork(options: NetworkOptions): Promise<InnerNetwork> {
  const { config, clock, emit, faults } = options;
  const closing = new CloseStack();
  let gateway: Gateway | undefined;

  const hosts = config.services.hosts.map(
    (host): OnPremisesHost => ({
      names: host.names,
      addresses: host.addresses,
      tcp: numbered(host.tcp),
      udp: numbered(host.udp),
    }),
  );
  const onPremises = await createOnPremises({ hosts, emit, tls: options.tls });
  closing.defer(() => onPremises.close());

  const resolver = new Resolver({ hosts, domains: zonesOf(config), emit, clock, faults });
  closing.defer(() => resolver.close());

  const broker = new ResourceBroker({
    policy: createPolicy({
      services: directoryOf(onPremises),
      upstreams: config.resources.upstreams.map((rule) => ({
        match: rule.match,
        ports: rule.ports,
        to: rule.to ? { host: rule.to.host, port: rule.to.port ?? undefined } : undefined,
      })),
      denyWith: config.resources.denyWith,
    }),
    services: {
      stream: (service) => (service === 'dns' ? resolver : onPremises.stream(service)),
      datagram: (service) => (service === 'dns' ? resolver : onPremises.datagram(service)),
    },
    emit,
    clock,
    faults,
    requesterOf: (address) => {
      const session = gateway?.sessionAt(address);
      return (
        session && {
          session: session.id,
          user: session.username,
          signInName: session.signInName,
          tenantId: session.tenantId,
        }
      );
    },
    hostOf: (address) => onPremises.hostAt(address)?.names[0],
  });
  closing.use(broker);

  const stack = createNetstack({
    output: (buffer, offset, length) => void gateway?.deliver(buffer, offset, length),
    random: options.random,
    now: clock.monotonic(),
    mtu: config.gateway.mtu,
    pathMtu: (address) => gateway?.mtuOf(address),
    onTcp: broker.handleTcp,
    onUdp: broker.handleUdp,
    onEcho: ({ localAddress }) =>
      onPremises.hostAt(localAddress) !== undefined || gateway?.ownAddresses.has(localAddress) === true,
  });
  closing.defer(() => stack.close());
  const driver = driveNetstack(stack, clock);
  closing.defer(() => driver.stop());

  return {
    stack,
    onPremises,
    broker,
    attach(attached) {
      gateway = attached;
      attached.packets = packetPort(stack, clock);
    },
    close: () => closing.close(),
  };
}

/** Hands packets of sessions to the stack; its time moves once per batch. */
function packetPort(stack: Netstack, clock: Clock): PacketPort {
  let inBatch = false;
  return {
    onPacket(buffer, offset, length) {
      if (!inBatch) {
        inBatch = true;
        stack.tick(clock.monotonic());
      }
      stack.input(buffer, offset, length);
    },
    onBatchEnd() {
      if (!inBatch) return;
      inBatch = false;
      stack.flush();
    },
    onAddressReleased: (address) => stack.forget(address),
  };
}

/** The domains that the resolver answers for: what clients are told to ask it about, and where the mock hosts live. */
function zonesOf(config: Config): string[] {
  const zones = new Set(config.gateway.splitDns.map((domain) => domain.toLowerCase()));
  if (config.gateway.defaultDomain) zones.add(config.gateway.defaultDomain.toLowerCase());
  for (const host of config.services.hosts) {
    for (const name of host.names) {
      const parent = name.toLowerCase().split('.').slice(1).join('.');
      if (parent) zones.add(parent);
    }
  }
  return [...zones];
}

function directoryOf(onPremises: OnPremises): ServiceDirectory {
  return {
    find(address, port, protocol) {
      const host = onPremises.hostAt(address);
      return host && { host: host.names[0]!, service: host[protocol][port] };
    },
  };
}

function numbered(services: Readonly<Record<string, string>>): Record<number, string> {
  return Object.fromEntries(Object.entries(services).map(([port, service]) => [Number(port), service]));
}
