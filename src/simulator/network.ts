import { type Config, hasStubs } from '../config/index.ts';
import type { FaultPorts } from '../faults/ports.ts';
import type { ForwardPort, Gateway } from '../gateway/index.ts';
import type { Clock } from '../lib/clock.ts';
import { CloseStack } from '../lib/dispose.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { parseNameServer } from '../lib/name-server.ts';
import type { RandomSource } from '../lib/random.ts';
import { createNetstack, driveNetstack, type Netstack } from '../netstack/index.ts';
import type { LookUp, Network } from '../network/index.ts';
import {
  AccessRules,
  createPolicy,
  DnsForwarder,
  type ForwardSettings,
  type PersonDirectory,
  Resolver,
  ResourceBroker,
  type ServiceDirectory,
  UpstreamRules,
} from '../resources/index.ts';
import {
  type CertificateIssuer,
  createOnPremises,
  type Inspector,
  type OnPremises,
  type OnPremisesHost,
  RequestRecorder,
  UpstreamRecorder,
} from '../services/index.ts';
import type { Emit } from '../telemetry/events.ts';
import { AccessControls } from './access.ts';
import { forwardPort } from './forwarding.ts';
import { limitReports } from './limit-reports.ts';
import { OnwardPath } from './onward.ts';
import { OwnListeners } from './own-listeners.ts';
import { ResourceControls, upstreamRule } from './resources.ts';
import { channelOf, requesterOf, stackPort } from './stack-port.ts';
import { StubControls } from './stubs.ts';
import { upstreamNames } from './upstream-names.ts';

/** Turns of the event loop in which flows must end at a reset. Ours. */
const RESET_TURNS = 10;

interface NetworkOptions {
  readonly config: Config;
  /** The machine's: TCP, datagrams and dialing run in the network's own time, whatever time the simulator shows. */
  readonly machine: Clock;
  /** The time in the journal: milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly random: RandomSource;
  readonly emit: Emit;
  readonly faults: FaultPorts;
  /** How to reach upstreams. */
  readonly network: Network;
  /** How to resolve names of upstreams; with this machine's resolver if omitted. */
  readonly lookUp?: LookUp | undefined;
  /** Data about people beyond their tokens. */
  readonly people: PersonDirectory;
  /** PEM chain and key of the mock services. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Issues the certificates of services that have their own. */
  readonly issuer: CertificateIssuer;
  /** Issues those of the inspecting proxy. */
  readonly inspector: Inspector;
}

/** Everything behind the gateway: netstack, resources and mock services, connected to one gateway by `attach`. */
export interface InnerNetwork {
  readonly stack: Netstack;
  readonly onPremises: OnPremises;
  readonly broker: ResourceBroker;
  /** The resources behind the gateway, and rules added at run time. */
  readonly resources: ResourceControls;
  /** Listeners that upstreams must not lead to. */
  readonly ownListeners: OwnListeners;
  /** Destinations of HTTP CONNECT at the gateway. */
  readonly forward: ForwardPort;
  /** Who may reach what, and rules added and removed at run time. */
  readonly access: AccessControls;
  /** Stubs of the configuration, and those added at run time. */
  readonly stubs: StubControls;
  attach(gateway: Gateway): void;
  /** Applies another configuration as far as possible; existing sessions keep the DNS server they were given. */
  configure(config: Config): void;
  /** Keeps only the rules of the configuration. Discards the mapping of names to addresses, and cached answers of this machine's resolver. Call it when no session is left. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Builds everything behind the gateway; nothing in it opens a socket until it dials an upstream. */
export async function createInnerNetwork(options: NetworkOptions): Promise<InnerNetwork> {
  const { config, machine: clock, emit, faults } = options;
  const closing = new CloseStack();
  let gateway: Gateway | undefined;

  const hosts = config.services.hosts.map(
    (host): OnPremisesHost => ({
      names: host.names,
      addresses: host.addresses,
      tcp: numbered(host.tcp),
      udp: numbered(host.udp),
      closedPorts: host.closedPorts,
    }),
  );
  const onward = new OnwardPath({ broker: () => broker, resolver: () => resolver, onPremises: () => onPremises });
  const recorder = new RequestRecorder({ ...config.resources.requests, now: options.now });
  const upstreamRecorder = new UpstreamRecorder(recorder, clock);
  const onPremises = await createOnPremises({
    recorder,
    hosts,
    settings: config.services,
    onward: onward.open,
    inspector: options.inspector,
    emit,
    clock,
    random: options.random,
    tls: options.tls,
    issuer: options.issuer,
  });
  closing.defer(() => onPremises.close());

  const stubHost = hosts.find(({ tcp }) => hasStubs(tcp));
  const rules = new UpstreamRules(config.resources.upstreams.map(upstreamRule));
  const upstreams = upstreamNames(config, rules, clock);
  const ownListeners = new OwnListeners();
  const forwarder = new DnsForwarder({
    settings: forwardSettings(config),
    clock,
    random: options.random,
    network: options.network,
    ownListener: (address, port) => ownListeners.find(address, port),
    emit,
  });
  closing.defer(() => forwarder.close());
  const resolver = new Resolver({
    hosts,
    records: config.services.records,
    domains: zonesOf(config),
    upstreams,
    stubs: {
      addressesOf: (name) => (onPremises.stubs.hosts().has(name) ? stubHost?.addresses : undefined),
    },
    forwarder,
    emit,
    clock,
    faults,
  });
  closing.defer(() => resolver.close());

  const dnsServers = new Set(config.gateway.dnsServers.map(canonicalAddress));
  let { denyWith } = config.resources;
  let { defaultDomain } = config.gateway;
  const reportSockets = limitReports((report) => emit('resource.limit', report), clock);
  const accessRules = new AccessRules(config.resources.access, options.people, () => denyWith);
  const broker = new ResourceBroker({
    policy: createPolicy({
      services: directoryOf(onPremises),
      upstreams: rules,
      dnsServers,
      answersPing: (address) =>
        (onPremises.hostAt(address)?.closedPorts ?? 'drop') === 'refuse' ||
        gateway?.ownAddresses.has(address) === true ||
        upstreams.nameAt(address) !== undefined ||
        dnsServers.has(address),
      access: accessRules,
      denyWith: () => denyWith,
    }),
    services: {
      stream: (service) => (service === 'dns' ? resolver : onPremises.stream(service)),
      datagram: (service) => (service === 'dns' ? resolver : onPremises.datagram(service)),
    },
    emit,
    clock,
    now: options.now,
    random: options.random,
    faults,
    network: options.network,
    ownListener: (address, port) => ownListeners.find(address, port),
    names: {
      namesOf(address) {
        const host = onPremises.hostAt(address);
        if (host) return host === stubHost ? [...host.names, ...onPremises.stubs.hosts()] : host.names;
        const name = upstreams.nameAt(address);
        return name === undefined ? [] : [name];
      },
      isVirtual: (address) => upstreams.owns(address),
      keep: (address, session) => upstreams.keep(address, session),
    },
    ...(options.lookUp ? { lookUp: options.lookUp } : {}),
    watch: (visitor, target) => upstreamRecorder.watch(visitor, `upstream ${target.id}`),
    onAllowed: (request, target) => resources.count(request.destination.address, target),
    onLimit: (reached) => reportSockets({ table: 'sockets', ...reached }),
  });
  closing.use(broker);
  const resources: ResourceControls = new ResourceControls({
    config,
    rules,
    upstreams,
    broker,
    resolver,
    onPremises,
    emit,
    recorder,
  });

  const access = new AccessControls({ config, rules: accessRules, broker, emit });
  const stubs = new StubControls({ config, onPremises, emit });

  const stack: Netstack = createNetstack({
    output: (buffer, offset, length) => void gateway?.deliver(buffer, offset, length),
    random: options.random,
    now: clock.monotonic(),
    mtu: config.gateway.mtu,
    pathMtu: (address) => gateway?.mtuOf(address),
    onTcp: (flow) => broker.handleTcp(flow, requesterOf(flow.owner), channelOf(flow.owner)),
    onUdp: (flow) => broker.handleUdp(flow, requesterOf(flow.owner), channelOf(flow.owner)),
    onLimit: limitReports((report) => emit('netstack.limit', report), clock),
    onEcho: (ping) => broker.handleEcho(ping, requesterOf(ping.owner), channelOf(ping.owner)),
  });
  closing.defer(() => stack.close());
  const driver = driveNetstack(stack, clock);
  closing.defer(() => driver.stop());

  return {
    stack,
    onPremises,
    broker,
    resources,
    access,
    ownListeners,
    forward: forwardPort({ broker, resolver, defaultDomain: () => defaultDomain }),
    stubs,
    attach(attached) {
      gateway = attached;
      ownListeners.add(() => ({ what: 'the gateway', host: attached.host, port: attached.port }));
      attached.attach(
        stackPort(stack, driver, (session) => {
          upstreams.forget(session);
          onward.forget(session);
        }),
      );
    },
    configure(changed) {
      resources.configure(changed);
      onPremises.configure(changed.services);
      stubs.configure();
      denyWith = changed.resources.denyWith;
      access.configure(changed);
      defaultDomain = changed.gateway.defaultDomain;
      for (const server of changed.gateway.dnsServers) dnsServers.add(canonicalAddress(server));
      resolver.useDomains(zonesOf(changed));
      forwarder.use(forwardSettings(changed));
    },
    async reset() {
      resources.reset();
      access.reset();
      broker.reset();
      resolver.resetCounts();
      forwarder.reset();
      await onPremises.reset();
      // Flows of sessions that have just ended are notified within a turn or two.
      for (let turn = 0; turn < RESET_TURNS && !upstreams.reset(); turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    close: () => closing.close(),
  };
}

/** Who answers for other names. */
function forwardSettings({ resources: { dns } }: Config): ForwardSettings {
  return {
    servers: dns.servers.map((server) => parseNameServer(server)!),
    domains: dns.domains.map((domain) => domain.toLowerCase()),
    timeout: dns.timeout * 1000,
    local: dns.local,
  };
}

/** The domains that the resolver answers for: clients are configured to query it for them, and they contain the mock hosts. */
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
      return host && { host: host.names[0]!, service: host[protocol][port], drops: host.closedPorts === 'drop' };
    },
  };
}

function numbered(services: Readonly<Record<string, string>>): Record<number, string> {
  return Object.fromEntries(Object.entries(services).map(([port, service]) => [Number(port), service]));
}
