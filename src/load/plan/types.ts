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

/** When clients are struck, or log in: a process that asks for nobody's answers (open loop). Rates in arrivals per second. */
export type Arrivals =
  /** All of them at the beginning of the phase. */
  | 'at once'
  /** The same time between two. */
  | { readonly constant: number }
  /** A rate that goes from the first to the second over the phase. */
  | { readonly ramp: readonly [from: number, to: number] }
  /** Exponentially distributed times between two, as of clients that know nothing of each other. */
  | { readonly poisson: number };

export interface LoadPhase {
  readonly phase: PhaseKind;
  /** Default: its kind, with a number where there are several. */
  readonly name?: string;
  /** How long it lasts, with `until` at most. */
  readonly for: Duration;
  /** `done`: it ends as soon as all arrivals were there and each client has got where it was to get, so that a fast machine need not wait. */
  readonly until?: 'done';
  /** Default `at once`. Not with `steady`. */
  readonly arrivals?: Arrivals;
  /** Which share of the clients takes part, from 0 to 1. Default 1. */
  readonly share?: number;
  /** What was intended in the first so much of the phase is left out of its figures. Default `0s`. */
  readonly warmup?: Duration;
  /** With `partial loss`: which share of the datagrams is lost, in each direction. */
  readonly loss?: number;
  /** With `node loss`: whether connections go silent, as when a machine dies (default), or are reset, as by what stands before it. */
  readonly how?: 'silence' | 'reset';
  /** With `node loss`: whether the sessions are gone with it (`lost`, the default) or another node knows them. */
  readonly cookies?: 'lost' | 'kept';
  /** What has to be so of this phase, such as `fallback.p99 < 12s`. */
  readonly thresholds?: readonly string[];
}

/** Where tokens come from. One of the three; default: the running instance, for its first user. */
export interface LoadToken {
  /** Users of the running instance whose tokens are taken in turn. */
  readonly users?: readonly string[];
  /** A file that holds one token; read again when that expires. */
  readonly file?: string;
  /** A command that prints a token; run again when that expires. */
  readonly command?: string;
}

/** The login of a server without bearer tokens (ocserv): a name and a password, in forms. */
export interface LoadPassword {
  readonly user: string;
  /** A file that holds the password in its first line. */
  readonly file: string;
}

export interface LoadClient {
  /** The data channel over UDP; default `auto`. */
  readonly dtls?: 'auto' | 'psk' | 'legacy' | 'off';
  /** How long data over DTLS may be unanswered before a client moves to TLS; `0s`: by dead peer detection alone, as openconnect. Default `3500ms`. */
  readonly unanswered?: Duration;
  /** Pause after the first failed DTLS handshake, and the longest after several; the pause doubles, less up to a half by chance. Default `[10s, 60s]`. */
  readonly dtlsRetry?: readonly [first: Duration, most: Duration];
  /** For how long a lost tunnel is looked for. Default `300s`. */
  readonly reconnect?: Duration;
  /** Time limit for each try to connect. Default `30s`. */
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
  /** How long answers are waited for after the last phase. Default `2s`. */
  readonly settle?: Duration;
}

/** Inner TCP connections that stay open, each with a few bytes to an echo service and back. */
export interface LoadFlows {
  /** `host:port` of a TCP service that returns what it is sent (RFC 862). Names are asked for through the tunnel. */
  readonly to: string;
  /** How often each sends. Default `1s`. */
  readonly every?: Duration;
  /** Which share of the clients has one, from 0 to 1. Default 1. */
  readonly share?: number;
}

/** What a load test does, and what has to come of it. */
export interface LoadPlan {
  readonly $schema?: string;
  /** Default: the name of the file. */
  readonly name?: string;
  readonly description?: string;
  /** The arrivals, who takes part, and which datagrams are lost follow from it. Default 1. */
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
  /** The generator may be so late at the 99th percentile of what it does; beyond it the run is invalid. Default `100ms`. */
  readonly lag?: Duration;
  readonly phases: readonly LoadPhase[];
  /** What has to be so of all phases together. */
  readonly thresholds?: readonly string[];
}
