import type { ProfileName } from '../../config/fault-profiles.ts';
import type { FaultRule } from '../../config/fault-schema.ts';
import type { ConfigInput } from '../../config/index.ts';
import type { LinkName, LinkQuality, NatKind } from '../../network/index.ts';
import type { EventLevel, ExpectedCount, FieldCondition } from '../../telemetry/index.ts';

/** A time or a duration, such as `90s`, `1m30s` or `500ms`. */
export type Duration = string;

/** The tokens of clients. Each client keeps its token until the gateway refuses it, as apps do. */
export interface ScenarioToken {
  /** User name; if omitted, the first user of the directory. */
  readonly user?: string;
  /** Lifetime of a token; if omitted, the directory's setting. */
  readonly lifetime?: Duration;
  /** An intentionally wrong token, such as `expired`: `tunnelite token --help` lists them. */
  readonly wrong?: string;
  /** Additional or different claims. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /**
   * `mint` (the default): issued immediately, without a sign-in. `sign-in`: requested from Entra ID's token endpoint over HTTPS, with the user's
   * name and password, so that outages and faults of the seam `http` apply.
   */
  readonly from?: 'mint' | 'sign-in';
}

/** A client that is another program. */
export interface CommandClient {
  /** Program and arguments; `{server}`, `{caFile}`, `{tokenFile}`, `{socksPort}` and others are replaced. */
  readonly command: readonly string[];
  /** A program that fetches a page through the tunnel: `{url}` is replaced, and its exit status is the result. Default: SOCKS at `{socksPort}`. */
  readonly fetch?: readonly string[];
  /** Delay before restarting the program after it has ended. If omitted: it may end only if an expectation says so. */
  readonly restart?: Duration;
}

/** Continuous traffic of clients. */
export interface ScenarioTraffic {
  /** A page behind the gateway, such as `http://intranet.contoso.internal/whoami`. */
  readonly fetch: string;
  readonly every: Duration;
  /** Timeout of a page. Default `20s`. */
  readonly timeout?: Duration;
}

export const CLIENT_ACTIONS = [
  'connect',
  'disconnect',
  'rekey',
  'roam',
  'rebind',
  'cut',
  'restore',
  'cut-udp',
  'restore-udp',
  'forget-token',
] as const;
export type ClientAction = (typeof CLIENT_ACTIONS)[number];
export const GATEWAY_ACTIONS = ['restart', 'stop', 'start', 'drain'] as const;
export const SESSION_ACTIONS = ['end', 'expire', 'rekey'] as const;
export const KEY_ACTIONS = ['rotate', 'emergency'] as const;

/** An action at a time. A step without an action is the end. */
export interface ScenarioStep {
  /** Since the start. */
  readonly at: Duration;
  /** Activates a fault rule. */
  readonly fault?: FaultRule & { readonly name: string };
  /** Removes a fault rule by its name. */
  readonly clear?: string;
  /** Applies a network profile to all clients; null: none. */
  readonly profile?: ProfileName | null;
  /** Changes the key that tokens are signed with: `rotate` leaves the old one published, `emergency` does not. */
  readonly keys?: (typeof KEY_ACTIONS)[number];
  /** Acts on every session: `end` like an administrator, `expire` like its time limit, or `rekey`. */
  readonly sessions?: (typeof SESSION_ACTIONS)[number];
  readonly gateway?: (typeof GATEWAY_ACTIONS)[number];
  /** With `gateway: restart` or `stop`: whether sessions can be resumed with their cookies. Default `keep`. */
  readonly cookies?: 'keep' | 'lose';
  /** Makes a client do something. */
  readonly client?: ClientAction;
  /** With `client` and `fetch`: its number, from 0. Default: all. */
  readonly of?: number;
  /** Fetches a page, once. */
  readonly fetch?: string;
  /** Advances the clock of tokens and sessions; with `clock: real` only. */
  readonly advance?: Duration;
}

/** Start and end, since the start. */
export type Between = readonly [Duration, Duration];

/** A condition checked at the end: one of `event`, `never`, `rule`, `pages`, `client` and `exit`. */
export interface Expectation {
  /** Events of this name (or area, such as `channel.*`) are in the journal. */
  readonly event?: string;
  /** No such event is in the journal. */
  readonly never?: string;
  /** With `event` and `never`: required values of fields. */
  readonly where?: Readonly<Record<string, FieldCondition>>;
  /** With `event` and `never`: text contained in the event's sentence. */
  readonly text?: string;
  /** With `event` and `never`: of this severity or a higher one. */
  readonly level?: EventLevel;
  /** Number of events. Default: at least one. */
  readonly count?: ExpectedCount;
  /** Time range; if omitted, the whole run. */
  readonly between?: Between;
  /** The fault rule with this name struck. */
  readonly rule?: string;
  /** With `rule`: number of strikes. Default: at least one. */
  readonly hits?: ExpectedCount;
  /** Pages of the traffic, counted when they complete. */
  readonly pages?: {
    readonly fetched?: ExpectedCount;
    readonly failed?: ExpectedCount;
    /** Duration of the slowest successful page. */
    readonly longest?: { readonly atLeast?: Duration; readonly atMost?: Duration };
  };
  /** A client printed something that contains this; case-insensitive. */
  readonly client?: string;
  /** A client that is a program exited with this status. */
  readonly exit?: number | 'any';
}

/** A sequence of events with a gateway and its clients, and the expected result. */
export interface Scenario {
  readonly $schema?: string;
  /** Default: the name of the file. */
  readonly name?: string;
  readonly description?: string;
  /** `virtual` (the default): in memory, on a virtual time that passes as fast as possible. `real`: on sockets. */
  readonly clock?: 'virtual' | 'real';
  /** Seed of all randomness. Default 1. */
  readonly seed?: number;
  /** Sections of the configuration. */
  readonly gateway?: ConfigInput['gateway'];
  readonly identity?: ConfigInput['identity'];
  readonly services?: ConfigInput['services'];
  readonly resources?: ConfigInput['resources'];
  readonly token?: ScenarioToken;
  /** `bundled` (the default), `openconnect` (without root, with ocproxy), or another program. */
  readonly client?: 'bundled' | 'openconnect' | CommandClient;
  /** Number of clients. Default 1. */
  readonly clients?: number;
  /** With `clock: virtual`: the link of each client. Default `lan`. */
  readonly link?: LinkName | Partial<LinkQuality>;
  /** With `clock: virtual`: the NAT of each client. Default `none`. */
  readonly nat?: NatKind;
  readonly traffic?: ScenarioTraffic;
  readonly timeline: readonly ScenarioStep[];
  readonly expect: readonly Expectation[];
}
