import { startAdmin } from '../admin/index.ts';
import type { Principal } from '../bearer/types.ts';
import { CaptureHub } from '../capture/index.ts';
import { type CertificateStore, inspectingAuthority, loadCertificates } from '../certs/index.ts';
import { type Config, type ConfigInput, IN_PROCESS_DEFAULTS, resolveConfig, tunnelSettings } from '../config/index.ts';
import type { Directory } from '../entra/directory/index.ts';
import { AADSTS } from '../entra/index.ts';
import { FaultEngine, type Surroundings } from '../faults/index.ts';
import { createGateway, type SessionStore } from '../gateway/index.ts';
import { allEnded } from '../lib/all-ended.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { CloseStack } from '../lib/dispose.ts';
import { connectHost } from '../lib/endpoint.ts';
import { directly, type Offload } from '../lib/offload.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import { SimulatorClock } from '../lib/simulator-clock.ts';
import { version } from '../lib/version.ts';
import { EventTally } from '../metrics/index.ts';
import { type LookUp, type Network, systemNetwork, type TcpTarget } from '../network/index.ts';
import { type EventListener, type EventLogger, eventJson, Telemetry } from '../telemetry/index.ts';
import { adminRoutes } from './admin-routes.ts';
import { openAppendFile } from './append-file.ts';
import { createAuthorities, signingKeys } from './authorities.ts';
import { checkDirectory } from './check-directory.ts';
import { checkIntune } from './check-intune.ts';
import { clientFacts } from './client-facts.ts';
import { flawedCertificates } from './flawed-certificates.ts';
import { IntunePart } from './intune.ts';
import { keylogOf } from './keylog.ts';
import { LeafRenewal } from './leaf-renewal.ts';
import { metricsOf } from './metrics.ts';
import { gatewayNames, leafCertificates, nameConstraints, permittedNames, welcomeNames } from './names.ts';
import { createInnerNetwork } from './network.ts';
import { personDirectory } from './person-directory.ts';
import { Resets } from './resets.ts';
import { serverConfigurationFault } from './server-configuration.ts';

import { Simulator } from './simulator.ts';

/** Sites and policies of a configuration that has already been checked as a whole. */
async function documentOf(value: Config['intune']) {
  const { readDocument } = await import('../intune/index.ts');
  return readDocument(value);
}

/** Parts of a configuration that make fault rules ineffective. */
const surroundingsOf = ({ gateway, identity }: Config): Surroundings => ({
  udpDisabled: gateway.disableUdp,
  bansDisabled: gateway.bans.maxScore === 0,
  noProvider: identity.authority !== null,
  aadstsCodes: Object.keys(AADSTS).map(Number),
});

/** Parts that a program can supply to replace the defaults. */
export interface SimulatorRuntime {
  /** Replaces the machine's clock; the simulator's own is based on it. */
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** A pino logger, or anything with its level methods. */
  readonly logger?: EventLogger;
  /** Called when a reload of the configuration changes the log level. */
  readonly onLogLevel?: (level: Config['log']['level']) => void;
  /** Storage for sessions between connections; memory if omitted. */
  readonly store?: SessionStore;
  /** Source of connections and datagrams; the machine's sockets if omitted. */
  readonly network?: Network;
  /** Wraps WebCrypto operations; if omitted, they run directly. */
  readonly offload?: Offload;
  /** Replaces those of the configured directory, and the clock that dates them. */
  readonly certificates?: CertificateStore;
  /** NSS key-log lines of TLS and DTLS. */
  readonly keylog?: (line: string) => void;
  /** Resolves the names in the targets of upstream rules; this machine's resolver if omitted. */
  readonly lookUp?: LookUp;
  /** Called with each token that is otherwise valid: true refuses it. By default a token stays valid until it expires, whatever its user does. */
  readonly isRevoked?: (principal: Principal) => boolean;
  /** Called with every event, synchronously, starting with the first one. */
  readonly onEvent?: EventListener;
}

/**
 * Starts a complete simulator in this process: Entra ID, gateway and mock network, on free ports, with certificates in memory.
 *
 * @example
 * ```ts
 * await using sim = await startSimulator({ gateway: { dpd: 5 } });
 * const token = await sim.token({ user: 'alice@contoso.com' });
 * await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
 * await sim.journal.waitFor({ name: 'session.connect' });
 * ```
 * @param input settings that differ from the defaults; see docs/reference/configuration.md
 * @throws TunneliteError `ERR_CONFIG_INVALID`, `ERR_GATEWAY_PORT_IN_USE` and those of certificates and identity
 */
export async function startSimulator(input: ConfigInput = {}, runtime: SimulatorRuntime = {}): Promise<Simulator> {
  return runSimulator(resolveConfig(input, IN_PROCESS_DEFAULTS), runtime);
}

/**
 * Starts a simulator from a complete configuration, like the command line.
 *
 * @param directory the configuration's directory, if it is already built
 */
export async function runSimulator(
  config: Config,
  runtime: SimulatorRuntime = {},
  directory?: Directory,
): Promise<Simulator> {
  const machine = runtime.clock ?? systemClock;
  const random = runtime.random ?? systemRandom;
  const net = runtime.network ?? systemNetwork;
  // HTTP uses the machine's own connections, unless there is another network.
  const dial = runtime.network && ((target: TcpTarget) => net.connect(target));
  const offload = runtime.offload ?? directly;
  const begin = machine.monotonic();
  // The command line has already reported mistakes with their locations.
  if (config.intune !== null) {
    const unplaced = { config, locate: () => '' };
    await checkIntune(unplaced, directory ?? checkDirectory(unplaced));
  }
  const clock: SimulatorClock = new SimulatorClock({
    machine,
    mode: config.clock,
    onAdvance: (milliseconds, { offset, timers }) => emit('clock.advanced', { milliseconds, offset, timers }),
    onMode: (mode) => emit('clock.mode', { mode }),
  });
  const closing = new CloseStack();
  const journalFile =
    config.journal.file === null ? undefined : openAppendFile(config.journal.file, 'journal.file', { gather: true });
  const tally = new EventTally(() => machine.monotonic());
  const telemetry = new Telemetry({
    clock,
    journalCapacity: config.journal.capacity,
    journalLevel: config.journal.level,
    journalSink: journalFile && ((event) => journalFile.write(eventJson(event))),
    logger: runtime.logger,
    count: tally.count,
  });
  // Closed last, also if the start fails: the journal contains everything, from its first event on.
  closing.defer(() => {
    telemetry.emit('simulator.closed', {});
    telemetry.journal.finish();
    journalFile?.close();
  });
  if (runtime.onEvent) telemetry.subscribe(runtime.onEvent);
  const { emit } = telemetry;
  const captures = new CaptureHub({
    machine,
    emit,
    version,
    subscribe: (listener) => telemetry.subscribe(listener),
  });
  closing.defer(() => captures.close());
  const resets = new Resets();
  resets.add('clock', () => clock.reset());
  closing.defer(() => clock.close());
  try {
    emit('simulator.starting', { node: process.version, platform: `${process.platform} ${process.arch}` });
    const faults = new FaultEngine({
      clock,
      machine,
      emit,
      ...config.faults,
      surroundings: surroundingsOf(config),
      later: true,
    });
    resets.add('faults', () => faults.reset());
    const certificates =
      runtime.certificates ??
      (await loadCertificates({
        directory: config.certs.directory ?? undefined,
        clock,
        random,
        emit,
        permitted: permittedNames(config),
        constraints: nameConstraints(config),
        welcome: welcomeNames(config),
      }));
    // A start that has failed writes no certificate any more.
    const [leaves, keys] = await allEnded([
      leafCertificates(certificates, config, emit),
      // A new RSA key takes a while, on a thread of its own.
      config.identity.authority === null
        ? signingKeys({ certificates, clock, random, emit, offload, closing })
        : undefined,
    ]);
    const keylog = runtime.keylog ?? keylogOf(config, closing);
    const network = await createInnerNetwork({
      config,
      machine,
      now: () => clock.now(),
      random,
      emit,
      faults,
      network: net,
      tls: leaves.services,
      issuer: { ca: certificates.ca.certPem, special: certificates.special },
      inspector: inspectingAuthority({ certificates, clock, random, emit }),
      // Nobody can connect before the gateway listens.
      people: personDirectory(() => authorities.provider?.directory),
      lookUp: runtime.lookUp,
    });
    closing.defer(() => network.close());
    const intune = new IntunePart(random);
    const authorities = await createAuthorities({
      config,
      directory,
      certificates,
      keys,
      clock,
      machine,
      faults,
      network: net,
      offload,
      dial,
      random,
      emit,
      tls: leaves.identity,
      isRevoked: runtime.isRevoked,
      apis: intune.api,
    });
    closing.defer(() => authorities.close());
    resets.add('Entra ID', () => authorities.reset());
    resets.add('policies', () => intune.reset());
    const gateway = await createGateway({
      host: config.gateway.host,
      port: config.gateway.port,
      tls: {
        ...leaves.gateway,
        ca: certificates.ca.certPem,
        flawed: flawedCertificates({
          certificates,
          request: leaves.gateway.leaf?.request ?? gatewayNames(config),
          clock,
          offload,
        }),
        minVersion: config.gateway.tls.minVersion,
        maxVersion: config.gateway.tls.maxVersion,
        ...(keylog ? { keylog } : {}),
      },
      settings: tunnelSettings(config),
      verifier: authorities.verifier,
      emit,
      clock,
      machine,
      random,
      network: net,
      faults,
      taps: captures,
      ...(runtime.store ? { store: runtime.store } : {}),
      acceleration: config.acceleration,
      bearerPrefix: config.gateway.bearerPrefix,
      forward: network.forward,
      bans: config.gateway.bans,
    });
    closing.use(gateway);
    network.attach(gateway);
    faults.knowSessions(gateway.faultedSessions);
    faults.knowUdp((open) => gateway.openUdp(open));
    faults.knowConnections(() => gateway.tcpConnections());
    clock.follow(gateway.follower);
    captures.attach(() => gateway.tappedConnections());
    const renewal = new LeafRenewal({ certificates, clock, emit });
    renewal.watch(leaves.gateway, (tls) => gateway.useCertificate(tls));
    renewal.watch(leaves.identity, (tls) => authorities.provider?.useCertificate(tls));
    renewal.watch(leaves.services, (tls) => network.onPremises.useCertificate(tls));
    clock.follow(renewal);
    resets.add('certificates', () => renewal.reset());
    const ownCertificate = config.gateway.tls.certFile === null ? undefined : leaves.gateway.cert;
    const metrics = metricsOf({ tally, gateway, network, faults, journal: telemetry.journal, clock });
    closing.defer(() => metrics.close());
    const sim = new Simulator({
      metrics,
      captures,
      config,
      clock,
      machine,
      dial,
      telemetry,
      certificates,
      network,
      authorities,
      gateway,
      faults,
      resets,
      intune,
      closing,
      onLogLevel: runtime.onLogLevel,
      ownCertificate,
    });
    if (authorities.provider) {
      const { directory, keys } = authorities.provider;
      intune.attach({
        directory,
        keys,
        clock,
        random,
        emit,
        config,
        gateway: { name: config.gateway.names[0] ?? 'localhost', port: gateway.port },
        document: config.intune === null ? undefined : await documentOf(config.intune),
        checkConfiguration: (object) => serverConfigurationFault(config, object),
        applyConfiguration: (object) => sim.applyServerConfiguration(object),
        unavailable: () => gateway.unavailable !== undefined,
        metrics: () => gateway.stats() as unknown as Readonly<Record<string, number>>,
      });
    }
    if (config.intune !== null && authorities.provider) {
      await intune.load();
      sim.keepServerConfiguration();
    }
    resets.add('server configuration', () => sim.restoreServerConfiguration());
    const admin = closing.use(
      await startAdmin({
        host: config.admin.host,
        port: config.admin.port,
        random,
        clock: machine,
        network: net,
        check: () => sim.check(),
        version,
        names: config.gateway.names,
        metrics: metrics.read,
        routes: adminRoutes(sim, machine.now(), () =>
          clientFacts(sim, { name: config.gateway.names[0] ?? 'localhost', address: connectHost(config.gateway.host) }),
        ),
      }),
    );
    sim.adopt(admin);
    await sim.assertReady();
    // Faults are for clients: they would block the answers to probes, or count them.
    faults.begin();
    emit('simulator.ready', {
      gateway: sim.urls.gateway,
      identity: sim.urls.authority,
      milliseconds: machine.monotonic() - begin,
    });
    return sim;
  } catch (error) {
    await closing.close().catch(() => {});
    throw error;
  }
}
