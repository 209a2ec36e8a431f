import type { SeamName } from '../config/fault-actions.ts';
import type { FaultRule, FaultSelector } from '../config/fault-schema.ts';
import type { Person } from '../lib/person.ts';
import type { ResourceKind } from './ports.ts';

/** One item that passes a seam, with the properties known there. */
export interface Passing {
  readonly seam: SeamName;
  readonly kind: string;
  readonly direction?: 'in' | 'out' | undefined;
  /** Short session id. */
  readonly session?: string | undefined;
  /** The user. */
  readonly person?: Person | undefined;
  /** The client's address, and `address:port` as `key`. */
  readonly remote?: { readonly address: string; readonly key: string } | undefined;
  /** Requested host name or address. */
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  /** For a packet: the address of the end that is not the client. */
  readonly address?: string | undefined;
  /** TCP flags, as in the header. */
  readonly flags?: number | undefined;
  /** Claims of the token in a login. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Protocol and kind of a requested resource; the target is undefined when the policy denies access. */
  readonly protocol?: string | undefined;
  readonly target?: ResourceKind | undefined;
  /** Length in bytes. */
  readonly length?: number | undefined;
  /** The bytes, valid only during the call. */
  readonly bytes?: Buffer | undefined;
}

/** A rule as a program defines it, optionally with a condition in code. */
export type FaultRuleInput = Omit<FaultRule, 'on'> & {
  readonly on: FaultSelector & {
    /** Called with each item that the other conditions select; false skips it. If it throws, the item is skipped and the error reported. */
    readonly where?: (passing: Passing) => boolean;
  };
};

/** One strike of a rule. */
export interface FaultStrike {
  /** Simulator time in milliseconds since the Unix epoch. */
  readonly time: number;
  readonly kind: string;
  readonly direction: 'in' | 'out' | undefined;
  readonly session: string | undefined;
  readonly remote: string | undefined;
  readonly length: number | undefined;
}

/** Status of a rule. */
export interface FaultStatus {
  readonly name: string;
  readonly rule: FaultRule;
  /** Number of items selected within its time window, struck or not. */
  readonly seen: number;
  /** Number of strikes. */
  readonly hits: number;
  /** Number of items that the rule currently holds. */
  readonly held: number;
  /** Reasons why it may never strike. */
  readonly notes: readonly string[];
}

/** How long to wait. */
export interface StruckOptions {
  /** Milliseconds. Default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An active rule. */
export interface FaultHandle extends AsyncDisposable {
  readonly name: string;
  readonly rule: FaultRule;
  readonly status: FaultStatus;
  /** Number of items selected, struck or not. */
  seen(): number;
  /** Number of strikes. Assert this in a test: a fault that never struck proves nothing. */
  hits(): number;
  /**
   * Resolves when the rule has struck this many times.
   * @param times an integer
   * @throws TunneliteError `ERR_TIMEOUT`, with the number of selected items; `ERR_FAULT_UNKNOWN` when the rule is removed first;
   * `ERR_COUNT_INVALID`, `ERR_DURATION_INVALID`
   */
  struck(times?: number, options?: StruckOptions): Promise<void>;
  /** The last thousand strikes, oldest first. */
  events(): readonly FaultStrike[];
  /** Number of items that the rule holds. */
  held(): number;
  /**
   * Releases the oldest items held by `hold`, in order.
   * @param count an integer of at least 1; all items by default
   * @param change called with the bytes of each item; returns the bytes to send instead, or undefined to drop the item
   * @returns the number of released items
   * @throws TunneliteError `ERR_COUNT_INVALID`
   */
  release(count?: number, change?: (bytes: Buffer) => Buffer | undefined): number;
  /** Ends the rule and releases all items that it holds. Does nothing when it was already removed. */
  remove(): void;
}
