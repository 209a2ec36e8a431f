import type { Carrier, ClientTimer, LightClientOptions, SignIn } from '../../client/core/index.ts';
import type { LightClient } from '../../client/core/light-client.ts';
import type { Clock } from '../../lib/clock.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { TokenStore } from '../login/tokens.ts';
import type { PhaseKind } from '../plan/types.ts';
import type { LoadMeta } from '../result/types.ts';

/** How clients log in: with tokens, or in another way. */
export type ClientLogin = { readonly tokens: TokenStore } | { readonly signIn: SignIn };
/** The same before there are clients. `fetched` is to be called when a token was asked for. */
export type LoadLogin = { readonly tokens: (fetched: () => void) => TokenStore } | { readonly signIn: SignIn };

/** What a process has used until now. */
export interface UsageReading {
  /** Seconds of processor time since it began. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  /** Since the last reading, in milliseconds; undefined: not known. */
  readonly loopDelay?: { readonly p99: number; readonly max: number };
}

/** Tells what the gateway's process uses. */
export interface GatewayProbe {
  readonly source: 'api' | 'pid';
  /** Undefined: it cannot be told now. */
  read(): Promise<UsageReading | undefined>;
}

/** Where things are done: on the machine's sockets and clock, or in memory and on virtual time. */
export interface LoadSurroundings {
  readonly url: URL;
  readonly serverName?: string | undefined;
  readonly serverKind: LoadMeta['server']['kind'];
  readonly secureContext: LightClientOptions<LightClient>['secureContext'];
  readonly protection?: LightClientOptions<LightClient>['protection'];
  readonly clock: Clock;
  /** Of keys and nonces. What the plan decides follows from its seed. */
  readonly random: RandomSource;
  readonly timer: ClientTimer;
  /** The network of a client, which changes by `moves` when it roams. */
  readonly carrier: (client: number, moves: number) => Carrier;
  readonly login: LoadLogin;
  /** Of the generator's own process; left out: not told. */
  readonly usage?: (() => UsageReading) | undefined;
  readonly gateway?: GatewayProbe | undefined;
  /** When the first phase begins, by the wall clock in milliseconds; left out: at once. */
  readonly startAt?: number | undefined;
  /** Ends the run early: the result is what was until then. */
  readonly signal?: AbortSignal | undefined;
  /** A phase has begun. */
  readonly onPhase?: ((phase: { readonly phase: PhaseKind; readonly name: string }) => void) | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** How a run stands, each second. */
export interface LoadProgress {
  /** Milliseconds since the start, and of all. */
  readonly at: number;
  readonly length: number;
  readonly phase: string;
  readonly clients: { readonly dtls: number; readonly tls: number; readonly none: number };
  readonly refusals: number;
  /** 99th percentiles of the last second, in microseconds; undefined: there was nothing. */
  readonly roundtrip: number | undefined;
  readonly lag: number | undefined;
}
