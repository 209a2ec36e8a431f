import type { ProfileName } from '../../config/fault-profiles.ts';
import type { FaultRule } from '../../config/fault-schema.ts';
import type { ConfigInput } from '../../config/index.ts';
import type { LinkName, LinkQuality, NatKind } from '../../network/index.ts';
import type { EventLevel, ExpectedCount, FieldCondition } from '../../telemetry/index.ts';

/** A time or a duration, such as `90s`, `1m30s` or `500ms`. */
export type Duration = string;

/** What clients sign in with. Each keeps its token until the gateway refuses it, as apps do. */
export interface ScenarioToken {
  /** User name; the first user of the directory when left out. */
  readonly user?: string;
  /** How long a token is good for; what the directory says when left out. */
  readonly lifetime?: Duration;
  /** One that is deliberately wrong, such as `expired`: `tunnelite token --help` lists them. */
  readonly wrong?: string;
  /** More claims, or other ones. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /**
   * `mint` (the default): made at once, by nobody's leave. `sign-in`: asked for at Entra ID's token endpoint over HTTPS, with the user's
   * name and password, so that faults of the seam `http` and outages count.
   */
  readonly from?: 'mint' | 'sign-in';
}

/** A client that is another program. */
export interface CommandClient {
  /** Program and arguments; `{server}`, `{caFile}`, `{tokenFile}`, `{socksPort}` and others are filled in. */
  readonly command: readonly string[];
  /** A program that fetches a page through the tunnel: `{url}` is filled in, and its exit status tells. Default: by SOCKS at `{socksPort}`. */
  readonly fetch?: readonly string[];
  /** Starts it again so long after it has ended. Left out: it may end only where an expectation says so. */
  readonly restart?: Duration;
}

/** What clients do all the time. */
export interface ScenarioTraffic {
  /** A page behind the gateway, such as `http://intranet.contoso.internal/whoami`. */
  readonly fetch: string;
  readonly every: Duration;
  /** When a page counts as failed. Default `20s`. */
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

/** Something that happens at a time. A step without an action is the end. */
export interface ScenarioStep {
  /** Since the start. */
  readonly at: Duration;
  /** Puts a fault rule in force. */
  readonly fault?: FaultRule & { readonly name: string };
  /** Removes a fault rule by its name. */
  readonly clear?: string;
  /** Puts all clients on a kind of network; null: on none. */
  readonly profile?: ProfileName | null;
  /** Changes the key that tokens are signed with: `rotate` leaves the old one published, `emergency` does not. */
  readonly keys?: (typeof KEY_ACTIONS)[number];
  /** Does something to every session: `end` as an administrator, `expire` as its time limit, or `rekey`. */
  readonly sessions?: (typeof SESSION_ACTIONS)[number];
  readonly gateway?: (typeof GATEWAY_ACTIONS)[number];
  /** With `gateway: restart` or `stop`: whether sessions can be resumed with their cookies. Default `keep`. */
  readonly cookies?: 'keep' | 'lose';
  /** Has a client do something. */
  readonly client?: ClientAction;
  /** With `client` and `fetch`: which one, from 0. Default: all. */
  readonly of?: number;
  /** Fetches a page, once. */
  readonly fetch?: string;
  /** Moves the clock that tokens and sessions go by; with `clock: real` only. */
  readonly advance?: Duration;
}

/** From and to, since the start. */
export type Between = readonly [Duration, Duration];

/** What has to be so at the end: one of `event`, `never`, `rule`, `pages`, `client` and `exit`. */
export interface Expectation {
  /** Events of this name (or area, such as `channel.*`) are in the journal. */
  readonly event?: string;
  /** No such event is. */
  readonly never?: string;
  /** With `event` and `never`: what fields have to be. */
  readonly where?: Readonly<Record<string, FieldCondition>>;
  /** With `event` and `never`: what the event's sentence contains. */
  readonly text?: string;
  /** With `event` and `never`: of this severity or a graver one. */
  readonly level?: EventLevel;
  /** How often. Default: at least once. */
  readonly count?: ExpectedCount;
  /** When; in the whole run when left out. */
  readonly between?: Between;
  /** The fault rule of this name struck. */
  readonly rule?: string;
  /** With `rule`: how often. Default: at least once. */
  readonly hits?: ExpectedCount;
  /** Pages of the traffic, counted when they are done. */
  readonly pages?: {
    readonly fetched?: ExpectedCount;
    readonly failed?: ExpectedCount;
    /** How long the longest took that came. */
    readonly longest?: { readonly atLeast?: Duration; readonly atMost?: Duration };
  };
  /** A client said something that contains this; letter case does not count. */
  readonly client?: string;
  /** A client that is a program ended with this status. */
  readonly exit?: number | 'any';
}

/** A course of events with a gateway and its clients, and the expected result. */
export interface Scenario {
  readonly $schema?: string;
  /** Default: the name of the file. */
  readonly name?: string;
  readonly description?: string;
  /** `virtual` (the default): in memory, on a time that passes as fast as it can. `real`: on sockets. */
  readonly clock?: 'virtual' | 'real';
  /** All chance follows from it. Default 1. */
  readonly seed?: number;
  /** Sections of the configuration. */
  readonly gateway?: ConfigInput['gateway'];
  readonly identity?: ConfigInput['identity'];
  readonly services?: ConfigInput['services'];
  readonly resources?: ConfigInput['resources'];
  readonly token?: ScenarioToken;
  /** `bundled` (the default), `openconnect` (without root, with ocproxy), or another program. */
  readonly client?: 'bundled' | 'openconnect' | CommandClient;
  /** How many clients there are. Default 1. */
  readonly clients?: number;
  /** With `clock: virtual`: the link of each client. Default `lan`. */
  readonly link?: LinkName | Partial<LinkQuality>;
  /** With `clock: virtual`: the NAT of each client. Default `none`. */
  readonly nat?: NatKind;
  readonly traffic?: ScenarioTraffic;
  readonly timeline: readonly ScenarioStep[];
  readonly expect: readonly Expectation[];
}
