import type { SeamName } from '../config/fault-actions.ts';
import type { FaultRule, FaultSelector } from '../config/fault-schema.ts';
import type { Person } from '../lib/person.ts';
import type { ResourceKind } from './ports.ts';

/** One thing that passes a seam, as far as it is known there. */
export interface Passing {
  readonly seam: SeamName;
  readonly kind: string;
  readonly direction?: 'in' | 'out' | undefined;
  /** Short id of its session. */
  readonly session?: string | undefined;
  /** Whose it is. */
  readonly person?: Person | undefined;
  /** The client's address, and `address:port`. */
  readonly remote?: { readonly address: string; readonly key: string } | undefined;
  /** Host name, or address, that is asked for. */
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  /** Of a packet: the address of the end that is not the client. */
  readonly address?: string | undefined;
  /** Flags of TCP, as they are in its header. */
  readonly flags?: number | undefined;
  /** What the token says whose login is judged. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** How a resource is asked for, and what it is; undefined target: the policy denies it. */
  readonly protocol?: string | undefined;
  readonly target?: ResourceKind | undefined;
  /** Bytes. */
  readonly length?: number | undefined;
  /** What it consists of; the memory is good during the call only. */
  readonly bytes?: Buffer | undefined;
}

/** A rule as a program writes it: with a condition in code, if it likes. */
export type FaultRuleInput = Omit<FaultRule, 'on'> & {
  readonly on: FaultSelector & {
    /** Called with each thing that is selected otherwise; false: it is not. One that throws selects nothing, and is told. */
    readonly where?: (passing: Passing) => boolean;
  };
};

/** One time that a rule struck. */
export interface FaultStrike {
  /** By the simulator's clock, milliseconds since the Unix epoch. */
  readonly time: number;
  readonly kind: string;
  readonly direction: 'in' | 'out' | undefined;
  readonly session: string | undefined;
  readonly remote: string | undefined;
  readonly length: number | undefined;
}

/** How a rule stands. */
export interface FaultStatus {
  readonly name: string;
  readonly rule: FaultRule;
  /** Selected, within its time, whatever came of it. */
  readonly seen: number;
  /** Struck. */
  readonly hits: number;
  /** Waiting because of it now. */
  readonly held: number;
  /** Why it may never strike, in words. */
  readonly notes: readonly string[];
}

/** How long to wait. */
export interface StruckOptions {
  /** Milliseconds. Default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A rule in force. */
export interface FaultHandle extends AsyncDisposable {
  readonly name: string;
  readonly rule: FaultRule;
  readonly status: FaultStatus;
  /** How often something was selected, whatever came of it. */
  seen(): number;
  /** How often it struck. A test asserts this: a fault that never struck proves nothing. */
  hits(): number;
  /**
   * Resolves when it has struck so often.
   * @param times a whole number
   * @throws TunneliteError `ERR_TIMEOUT`, saying how often it was seen; `ERR_FAULT_UNKNOWN` when it is removed before; `ERR_COUNT_INVALID`,
   * `ERR_DURATION_INVALID`
   */
  struck(times?: number, options?: StruckOptions): Promise<void>;
  /** The last thousand times that it struck, oldest first. */
  events(): readonly FaultStrike[];
  /** How many wait because of it. */
  held(): number;
  /**
   * Lets the oldest so many go that wait because of `hold`, all when left out, in their order.
   * @param count a whole number from 1 on
   * @param change is given the bytes of each, and returns what goes in their place; undefined = nothing does
   * @returns how many were let go
   * @throws TunneliteError `ERR_COUNT_INVALID`
   */
  release(count?: number, change?: (bytes: Buffer) => Buffer | undefined): number;
  /** Ends it: what waits because of it goes on its way at once. Harmless when it was removed already. */
  remove(): void;
}
