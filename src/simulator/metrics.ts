import type { FaultEngine } from '../faults/index.ts';
import type { Gateway } from '../gateway/index.ts';
import type { SimulatorClock } from '../lib/simulator-clock.ts';
import { version } from '../lib/version.ts';
import { type EventTally, Metrics } from '../metrics/index.ts';
import type { Journal } from '../telemetry/index.ts';
import type { InnerNetwork } from './network.ts';

interface MeasuredParts {
  readonly tally: EventTally;
  readonly gateway: Gateway;
  readonly network: InnerNetwork;
  readonly faults: FaultEngine;
  readonly journal: Journal;
  readonly clock: SimulatorClock;
}

/** The metrics of one simulator, from the counters of its parts. */
export function metricsOf({ tally, gateway, network, faults, journal, clock }: MeasuredParts): Metrics {
  return new Metrics({
    version,
    tally,
    sessions: () => {
      const channels = { dtls: 0, cstp: 0 };
      for (const { dataChannel } of gateway.sessions()) if (dataChannel !== undefined) channels[dataChannel]++;
      return channels;
    },
    gateway: () => gateway.stats(),
    stack: () => network.stack.stats(),
    faultRules: () => faults.list().length,
    journalDropped: () => journal.dropped,
    clockOffset: () => clock.offset / 1000,
  });
}
