import type { Carrier, ClientTimer, LightClientOptions, SignIn } from '../../client/core/index.ts';
import type { LightClient } from '../../client/core/light-client.ts';
import type { Clock } from '../../lib/clock.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { TokenStore } from '../login/tokens.ts';
import type { PhaseKind } from '../plan/types.ts';
import type { LoadMeta } from '../result/types.ts';

/** How clients log in: with tokens, or in another way. */
export type ClientLogin = { readonly tokens: TokenStore } | { readonly signIn: SignIn };
/** The same before there are clients. Call `fetched` when a token was requested. */
export type LoadLogin = { readonly tokens: (fetched: () => void) => TokenStore } | { readonly signIn: SignIn };

/** Resource usage of a process until now. */
export interface UsageReading {
  /** Seconds of processor time since it began. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  /** Since the last reading, in milliseconds; undefined: unknown. */
  readonly loopDelay?: { readonly p99: number; readonly max: number };
}

/** Reads the resource usage of the gateway's process. */
export interface GatewayProbe {
  readonly source: 'api' | 'pid';
  /** Undefined: unavailable now. */
  read(): Promise<UsageReading | undefined>;
}

/** The environment of a run: the machine's sockets and clock, or memory and virtual time. */
export interface LoadSurroundings {
  readonly url: URL;
  readonly serverName?: string | undefined;
  readonly serverKind: LoadMeta['server']['kind'];
  readonly secureContext: LightClientOptions<LightClient>['secureContext'];
  readonly protection?: LightClientOptions<LightClient>['protection'];
  readonly clock: Clock;
  /** For keys and nonces. The plan's decisions follow from its seed. */
  readonly random: RandomSource;
  readonly timer: ClientTimer;
  /** The network of a client, which changes with `moves` when it roams. */
  readonly carrier: (client: number, moves: number) => Carrier;
  readonly login: LoadLogin;
  /** Of the generator's own process; if omitted, not reported. */
  readonly usage?: (() => UsageReading) | undefined;
  readonly gateway?: GatewayProbe | undefined;
  /** When the first phase begins, by the wall clock in milliseconds; if omitted, immediately. */
  readonly startAt?: number | undefined;
  /** Ends the run early: the result covers the time until then. */
  readonly signal?: AbortSignal | undefined;
  /** Called when a phase has begun. */
  readonly onPhase?: ((phase: { readonly phase: PhaseKind; readonly name: string }) => void) | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** Progress of a run, each second. */
export interface LoadProgress {
  /** Milliseconds since the start, and of all. */
  readonly at: number;
  readonly length: number;
  readonly phase: string;
  readonly clients: { readonly dtls: number; readonly tls: number; readonly none: number };
  readonly refusals: number;
  /** 99th percentiles of the last second, in microseconds; undefined: there was no data. */
  readonly roundtrip: number | undefined;
  readonly lag: number | undefined;
}
