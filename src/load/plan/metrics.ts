/**
 * The measurements: docs/how-to/run-a-load-test.md defines each. Times are recorded in histograms, everything else is counted.
 * The names are those in results and thresholds.
 */
export const TIMES = {
  login: 'from the intended arrival to the open tunnel',
  dtls: 'from the open tunnel to data over DTLS',
  fallback:
    'interruption by the loss of UDP: the first answer over TLS, less the intended time of the first request without an answer',
  decision: 'from the loss of UDP to the client’s own switch to TLS',
  return: 'from the return of UDP to data over DTLS',
  reconnect: 'from the loss of the connection to an open tunnel',
  interruption:
    'by the loss of the connection: the first answer in the new tunnel, less the intended time of the first request without one',
  'roundtrip.dtls': 'of a request from its intended time, answered over DTLS',
  'roundtrip.tls': 'of a request from its intended time, answered over TLS',
  'roundtrip.flow': 'of some bytes in an inner TCP connection, from their intended time',
  lag: 'how late the generator was',
} as const;
export type TimeName = keyof typeof TIMES;
export const TIME_NAMES = Object.keys(TIMES) as TimeName[];

/** Counters, with the total for percentages of each. */
export const COUNTERS = {
  'login.planned': undefined,
  'login.done': 'login.planned',
  'login.failed': 'login.planned',
  'dtls.done': 'login.done',
  'dtls.never': 'login.done',
  'fallback.cut': undefined,
  'fallback.done': 'fallback.cut',
  'fallback.seamless': 'fallback.cut',
  'fallback.never': 'fallback.cut',
  'return.restored': undefined,
  'return.done': 'return.restored',
  'return.never': 'return.restored',
  'reconnect.struck': undefined,
  'reconnect.done': 'reconnect.struck',
  'reconnect.never': 'reconnect.struck',
  'requests.scheduled': undefined,
  'requests.unsent': 'requests.scheduled',
  'requests.answered': 'requests.scheduled',
  'requests.lost': 'requests.scheduled',
  'requests.repeated': 'requests.scheduled',
  'flows.opened': undefined,
  'flows.failed': undefined,
  'flows.broken': 'flows.opened',
  'flows.stalled': 'flows.opened',
  'sessions.lost': 'login.done',
  'channel.changes': undefined,
  'tokens.fetched': undefined,
  refusals: 'login.planned',
  'arrivals.planned': undefined,
  'arrivals.started': 'arrivals.planned',
  'arrivals.dropped': 'arrivals.planned',
} as const;
export type CounterName = keyof typeof COUNTERS;
export const COUNTER_NAMES = Object.keys(COUNTERS) as CounterName[];

/** The statistics of a histogram that a threshold can use. */
export const STATISTICS = ['count', 'min', 'mean', 'p50', 'p75', 'p90', 'p95', 'p99', 'p999', 'max'] as const;
export type Statistic = (typeof STATISTICS)[number];
