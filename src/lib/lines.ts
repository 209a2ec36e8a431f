/** Properties of an Internet connection, from end to end. */
export interface LineFigures {
  readonly text: string;
  /** Source of the figures. */
  readonly source: string;
  /** Kilobits per second to the client, and from it; Infinity = unlimited. */
  readonly down: number;
  readonly up: number;
  /** Round-trip time in milliseconds; each direction has half of it. */
  readonly roundTrip: number;
  /** Maximum additional delay in milliseconds, in each direction, random for each packet. */
  readonly jitter: number;
  /** Fraction of packets that are lost, in each direction. */
  readonly loss: number;
}

const LOADERO = 'https://wiki.loadero.com/test-creation/participant-configuration/network-conditions/';

/** Lines by name: the links of worlds, and the fault profiles for lines. A single table, so that a name has one meaning. */
export const LINES = {
  lan: {
    text: 'The same building',
    source: 'not measured: figures chosen for tests',
    ...{ down: Infinity, up: Infinity, roundTrip: 2, jitter: 0, loss: 0 },
  },
  cable: {
    text: 'Cable of 5 Mbit/s',
    source: 'WebPageTest, connection profile Cable (5/1 Mbps, 28 ms round trip)',
    ...{ down: 5000, up: 1000, roundTrip: 28, jitter: 0, loss: 0 },
  },
  dsl: {
    text: 'DSL of 1.5 Mbit/s',
    source: 'WebPageTest, connection profile DSL (1.5 Mbps / 384 Kbps, 50 ms round trip)',
    ...{ down: 1500, up: 384, roundTrip: 50, jitter: 0, loss: 0 },
  },
  lte: {
    text: '4G',
    source: `${LOADERO} (4G)`,
    ...{ down: 100_000, up: 50_000, roundTrip: 45, jitter: 5, loss: 0.002 },
  },
  '3g': {
    text: '3G',
    source: `${LOADERO} (3G)`,
    ...{ down: 1200, up: 1200, roundTrip: 250, jitter: 50, loss: 0.005 },
  },
  edge: {
    text: '2G with EDGE',
    source: `${LOADERO} (Edge)`,
    ...{ down: 200, up: 260, roundTrip: 650, jitter: 100, loss: 0.01 },
  },
  satellite: {
    text: 'A satellite phone',
    source: `${LOADERO} (Satellite phone)`,
    ...{ down: 1000, up: 256, roundTrip: 600, jitter: 0, loss: 0 },
  },
} as const satisfies Readonly<Record<string, LineFigures>>;

export type LineName = keyof typeof LINES;
