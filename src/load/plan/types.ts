/** A duration, such as `90s`, `1m30s` or `500ms`. */
export type Duration = string;

/** What happens to the clients in a phase. */
export const PHASE_KINDS = [
  'login storm',
  'steady',
  'udp blackout',
  'partial loss',
  'return',
  'roam',
  'node loss',
  'thundering reconnect',
] as const;
export type PhaseKind = (typeof PHASE_KINDS)[number];

/** When clients are struck, or log in: a process that does not wait for answers (open loop). Rates in arrivals per second. */
export type Arrivals =
  /** All of them at the beginning of the phase. */
  | 'at once'
  /** The same time between two arrivals. */
  | { readonly constant: number }
  /** A rate that goes from the first to the second over the phase. */
  | { readonly ramp: readonly [from: number, to: number] }
  /** Exponentially distributed times between two arrivals, as for independent clients. */
  | { readonly poisson: number };

export interface LoadPhase {
  readonly phase: PhaseKind;
  /** Default: its kind, with a number if there are several. */
  readonly name?: string;
  /** Its duration; with `until`, its maximum duration. */
  readonly for: Duration;
  /** `done`: it ends as soon as all arrivals have occurred and each client has reached its goal, so that a fast machine need not wait. */
  readonly until?: 'done';
  /** Default `at once`. Not with `steady`. */
  readonly arrivals?: Arrivals;
  /** The share of the clients that takes part, from 0 to 1. Default 1. */
  readonly share?: number;
  /** Warm-up: what was intended in this first part of the phase is excluded from its figures. Default `0s`. */
  readonly warmup?: Duration;
  /** With `partial loss`: the share of the datagrams that is lost, in each direction. */
  readonly loss?: number;
  /** With `node loss`: whether connections go silent, as when a machine dies (default), or are reset, as by a load balancer in front of it. */
  readonly how?: 'silence' | 'reset';
  /** With `node loss`: whether the sessions are lost with it (`lost`, the default) or another node knows them. */
  readonly cookies?: 'lost' | 'kept';
  /** Conditions for this phase, such as `fallback.p99 < 12s`. */
  readonly thresholds?: readonly string[];
}

/** The source of tokens. One of the three; default: the running instance, for its first user. */
export interface LoadToken {
  /** Users of the running instance whose tokens are used in turn. */
  readonly users?: readonly string[];
  /** A file that contains one token; read again when that expires. */
  readonly file?: string;
  /** A command that prints a token; run again when it expires. */
  readonly command?: string;
}

/** The login of a server without bearer tokens (ocserv): a name and a password, in forms. */
export interface LoadPassword {
  readonly user: string;
  /** A file that contains the password in its first line. */
  readonly file: string;
}

export interface LoadClient {
  /** The data channel over UDP; default `auto`. */
  readonly dtls?: 'auto' | 'psk' | 'legacy' | 'off';
  /** How long data over DTLS may be unanswered before a client moves to TLS; `0s`: by DPD only, as in openconnect. Default `3500ms`. */
  readonly unanswered?: Duration;
  /** Pause after the first failed DTLS handshake, and the longest; it doubles, minus a random part of up to a half. Default `[10s, 60s]`. */
  readonly dtlsRetry?: readonly [first: Duration, most: Duration];
  /** How long to retry a lost tunnel. Default `300s`. */
  readonly reconnect?: Duration;
  /** Time limit for each attempt to connect. Default `30s`. */
  readonly timeout?: Duration;
  readonly userAgent?: string;
}

/** Requests of each client: pings through the tunnel, on a schedule. */
export interface LoadTraffic {
  /** An IPv4 address behind the gateway; `gateway` (default): the first address of the clients' own network. */
  readonly ping?: string;
  /** The request period: the resolution of the interruption. Default `1s`. */
  readonly every?: Duration;
  /** Bytes of the inner packet. Default 84. */
  readonly size?: number;
  /** How long to wait for answers after the last phase. Default `2s`. */
  readonly settle?: Duration;
}

/** Inner TCP connections that stay open; each sends a few bytes to an echo service and back. */
export interface LoadFlows {
  /** `host:port` of a TCP service that returns what it receives (RFC 862). Names are resolved through the tunnel. */
  readonly to: string;
  /** Interval at which each sends. Default `1s`. */
  readonly every?: Duration;
  /** The share of the clients that has one, from 0 to 1. Default 1. */
  readonly share?: number;
}

/** What a load test does, and the results it must achieve. */
export interface LoadPlan {
  readonly $schema?: string;
  /** Default: the name of the file. */
  readonly name?: string;
  readonly description?: string;
  /** Seed of the arrivals, of the clients that take part, and of the lost datagrams. Default 1. */
  readonly seed?: number;
  readonly clients: number;
  /** `host:port` of the gateway. Default: the running instance. */
  readonly server?: string;
  readonly token?: LoadToken;
  readonly password?: LoadPassword;
  /** Loopback addresses that clients are spread over, such as `127.1.0.0/16`. */
  readonly source?: string;
  readonly client?: LoadClient;
  readonly traffic?: LoadTraffic;
  readonly flows?: LoadFlows;
  /** Maximum lateness of the generator's actions at the 99th percentile; beyond it the run is invalid. Default `100ms`. */
  readonly lag?: Duration;
  readonly phases: readonly LoadPhase[];
  /** Conditions for all phases together. */
  readonly thresholds?: readonly string[];
}
