import { readdirSync } from 'node:fs';
import { Counter, Gauge, type Metric, Registry } from 'prom-client';
import type { LoopWatch } from './loop-delay.ts';
import { type Buckets, type Labels, type Series, word } from './series.ts';
import type { Counts, MetricsSources } from './sources.ts';

/** A number with its labels. */
type Point = readonly [labels: Labels, value: number];

/** Drop reasons by counter: the component that dropped the packets, and why. */
const GATEWAY_DROPS: Readonly<Record<string, readonly [layer: string, reason: string]>> = {
  dropped: ['tunnel', 'queue_full'],
  spoofed: ['tunnel', 'spoofed'],
  malformed: ['tunnel', 'malformed'],
  undeliverable: ['tunnel', 'no_session'],
  tooLarge: ['dtls', 'too_large'],
  'udp.sendDropped': ['udp', 'queue_full'],
  'udp.sendErrors': ['udp', 'send_error'],
  'udp.receiveErrors': ['udp', 'receive_error'],
  'udp.truncated': ['udp', 'truncated'],
};

/** Counters of the DTLS engine that do not count drops. */
const DTLS_EVENTS = new Set([
  'dtls.handshakesStarted',
  'dtls.handshakesCompleted',
  'dtls.handshakesFailed',
  'dtls.helloVerifyRequests',
  'dtls.moves',
  'dtls.roamTrials',
  'dtls.roamVisits',
]);

/** All metrics of one simulator: names, units and sources. */
export function createRegistry(sources: MetricsSources, loop: LoopWatch): Registry {
  const registry = new Registry();
  const registers = [registry];

  const gauge = (name: string, help: string, labelNames: readonly string[], read: () => readonly Point[]): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  };
  const counter = (name: string, help: string, labelNames: readonly string[], read: () => readonly Point[]): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  };
  const series = (name: string, help: string, labelNames: readonly string[], from: Series): void =>
    counter(name, help, labelNames, () => Array.from(from.values(), ({ labels, value }) => [labels, value] as const));
  const histogram = (name: string, help: string, buckets: Buckets): void => {
    const metric = { name, help, get: async () => tallied(name, help, buckets) };
    registry.registerMetric(metric as unknown as Metric);
  };
  const one = (value: number): readonly Point[] => [[{}, value]];

  gauge('tunnelite_info', 'Version of Tunnelite and of Node.js.', ['version', 'node'], () => [
    [{ version: sources.version, node: process.version }, 1],
  ]);
  gauge(
    'tunnelite_sessions',
    'Connected sessions, by the channel that data to the client goes over.',
    ['channel'],
    () => Object.entries(sources.sessions()).map(([channel, value]) => [{ channel }, value] as const),
  );
  const { tally } = sources;
  series(
    'tunnelite_logins_total',
    'Logins at the gateway, by outcome (challenged: no token yet) and why one was refused.',
    ['outcome', 'reason'],
    tally.logins,
  );
  series(
    'tunnelite_tunnels_total',
    'Requests for a tunnel (CONNECT with a cookie), by outcome and why one was refused.',
    ['outcome', 'reason'],
    tally.tunnels,
  );
  series('tunnelite_session_ends_total', 'Tunnels that ended, by reason.', ['reason'], tally.sessionEnds);
  series(
    'tunnelite_channel_switches_total',
    'Changes of the channel that carries data.',
    ['from', 'to'],
    tally.switches,
  );
  histogram(
    'tunnelite_fallback_silence_seconds',
    'Time without packets over DTLS when data fell back to TLS.',
    tally.silence,
  );
  histogram(
    'tunnelite_fallback_duration_seconds',
    'Time on TLS from a fallback to the return to DTLS.',
    tally.fallback,
  );
  series(
    'tunnelite_connect_requests_total',
    'Completed connect requests for resources, by outcome, protocol and channel.',
    ['outcome', 'protocol', 'channel'],
    tally.connectRequests,
  );
  histogram('tunnelite_resource_answer_seconds', 'Time until a resource answered a connect request.', tally.answers);
  series(
    'tunnelite_dns_queries_total',
    "Questions to the tunnel's resolver, by outcome.",
    ['outcome'],
    tally.dnsQueries,
  );
  series(
    'tunnelite_tls_failures_total',
    'TLS handshakes at the gateway that failed, by reason.',
    ['reason'],
    tally.tlsFailures,
  );
  series('tunnelite_faults_injected_total', 'Faults that struck, by seam and action.', ['seam', 'fault'], tally.faults);
  series(
    'tunnelite_identity_tokens_total',
    'Token requests to the built-in Entra ID, by outcome, grant, and AADSTS code.',
    ['outcome', 'grant', 'code'],
    tally.tokens,
  );
  series('tunnelite_problems_total', 'Problems, by kind.', ['kind'], tally.problems);
  gauge('tunnelite_fault_rules', 'Active fault rules.', [], () => one(sources.faultRules()));
  counter('tunnelite_journal_dropped_events_total', 'Events dropped from the journal because it was full.', [], () =>
    one(sources.journalDropped()),
  );
  gauge('tunnelite_clock_offset_seconds', "Time by which the simulator's clock is ahead of the machine's.", [], () =>
    one(sources.clockOffset()),
  );

  gauge('tunnelite_connections', 'TCP connections to the gateway, by what they carry.', ['stage'], () => {
    const counts = sources.gateway();
    return [
      [{ stage: 'request' }, of(counts, 'connectionsPending')],
      [{ stage: 'tunnel' }, of(counts, 'tunnels')],
    ];
  });
  counter('tunnelite_connections_accepted_total', 'TCP connections received by the gateway.', [], () =>
    one(of(sources.gateway(), 'connectionsAccepted')),
  );
  counter('tunnelite_connections_refused_total', 'TCP connections closed on arrival.', [], () =>
    one(of(sources.gateway(), 'connectionsOverLimit')),
  );
  counter('tunnelite_packets_total', 'IP packets in tunnels: in from clients, out to them.', ['direction'], () =>
    inAndOut(sources.gateway(), 'packetsIn', 'packetsOut'),
  );
  counter('tunnelite_traffic_bytes_total', 'Bytes of IP packets in tunnels.', ['direction'], () =>
    inAndOut(sources.gateway(), 'bytesIn', 'bytesOut'),
  );
  counter('tunnelite_datagrams_total', "Datagrams at the gateway's UDP port.", ['direction'], () =>
    inAndOut(sources.gateway(), 'udp.received', 'udp.sent'),
  );
  counter(
    'tunnelite_dropped_packets_total',
    'Dropped packets, by component (tunnel, dtls, udp, netstack) and reason. Faults are not included.',
    ['layer', 'reason'],
    () => drops(sources.gateway(), sources.stack()),
  );
  gauge('tunnelite_dtls_associations', 'DTLS associations that are up.', [], () =>
    one(of(sources.gateway(), 'associations')),
  );
  counter('tunnelite_dtls_handshakes_total', 'DTLS handshakes, by stage.', ['stage'], () => {
    const counts = sources.gateway();
    return [
      [{ stage: 'started' }, of(counts, 'dtls.handshakesStarted')],
      [{ stage: 'completed' }, of(counts, 'dtls.handshakesCompleted')],
      [{ stage: 'failed' }, of(counts, 'dtls.handshakesFailed')],
    ];
  });
  gauge('tunnelite_flows', 'Flows in the TCP/IP stack behind the gateway.', ['protocol'], () => {
    const counts = sources.stack();
    return [
      [{ protocol: 'tcp' }, of(counts, 'tcpFlows')],
      [{ protocol: 'udp' }, of(counts, 'udpFlows')],
    ];
  });
  counter('tunnelite_tcp_retransmits_total', 'TCP segments that the stack behind the gateway sent again.', [], () =>
    one(of(sources.stack(), 'tcpRetransmits')),
  );

  gauge('tunnelite_eventloop_delay_seconds', 'Delay of the event loop since the last reading.', ['statistic'], () =>
    Object.entries(loop.read()).map(([statistic, value]) => [{ statistic }, value] as const),
  );
  processMetrics(gauge, counter);
  return registry;
}

type Define = (name: string, help: string, labelNames: readonly string[], read: () => readonly Point[]) => void;

/** Prometheus's standard process metrics. */
function processMetrics(gauge: Define, counter: Define): void {
  counter('process_cpu_seconds_total', 'User and system CPU time.', [], () => {
    const { user, system } = process.cpuUsage();
    return [[{}, (user + system) / 1e6]];
  });
  gauge('process_resident_memory_bytes', 'Resident memory.', [], () => [[{}, process.memoryUsage.rss()]]);
  gauge('process_start_time_seconds', 'Start of the process, in seconds since the Unix epoch.', [], () => [
    [{}, performance.timeOrigin / 1000],
  ]);
  gauge('process_open_fds', 'Open file descriptors; not on every system.', [], () => openDescriptors());
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', [], () => [[{}, process.memoryUsage().heapUsed]]);
  gauge('nodejs_heap_size_total_bytes', 'JavaScript heap.', [], () => [[{}, process.memoryUsage().heapTotal]]);
  gauge('nodejs_external_memory_bytes', 'Memory outside the JavaScript heap, such as packets.', [], () => [
    [{}, process.memoryUsage().external],
  ]);
}

function openDescriptors(): readonly Point[] {
  try {
    // Excludes the descriptor that reads the folder.
    return [[{}, readdirSync('/proc/self/fd').length - 1]];
  } catch {
    return [];
  }
}

function of(counts: Counts, name: string): number {
  return counts[name] ?? 0;
}

function inAndOut(counts: Counts, into: string, out: string): readonly Point[] {
  return [
    [{ direction: 'in' }, of(counts, into)],
    [{ direction: 'out' }, of(counts, out)],
  ];
}

function drops(gateway: Counts, stack: Counts): readonly Point[] {
  const points: Point[] = [];
  for (const [name, value] of Object.entries(gateway)) {
    const known = GATEWAY_DROPS[name];
    if (known !== undefined) points.push([{ layer: known[0], reason: known[1] }, value]);
    else if (name.startsWith('dtls.') && !DTLS_EVENTS.has(name)) {
      points.push([{ layer: 'dtls', reason: snake(name.slice('dtls.'.length)) }, value]);
    }
  }
  for (const [name, value] of Object.entries(stack)) {
    if (name.startsWith('drop')) points.push([{ layer: 'netstack', reason: snake(name.slice('drop'.length)) }, value]);
  }
  return points;
}

/** Converts `BadVersion` and `bad-version` to `bad_version`. */
function snake(name: string): string {
  return word(
    name
      .replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      .replace(/^_/, '')
      .replaceAll('-', '_'),
  );
}

/** A histogram whose values were counted elsewhere: the registry only calls each metric for its values. */
function tallied(name: string, help: string, { bounds, counts, count, sum }: Buckets) {
  const bucket = `${name}_bucket`;
  return {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: [
      ...bounds.map((le, index) => ({ labels: { le }, value: counts[index] ?? 0, metricName: bucket })),
      { labels: { le: '+Inf' }, value: count, metricName: bucket },
      { labels: {}, value: sum, metricName: `${name}_sum` },
      { labels: {}, value: count, metricName: `${name}_count` },
    ],
  };
}
