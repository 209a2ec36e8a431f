import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { descriptorLimit } from '../lib/descriptor-limit.ts';
import { ReportLimit } from '../lib/report-limit.ts';
import type { Emit } from '../telemetry/events.ts';
import { BAN_POINTS, BanList, type BanRules, NO_BANS } from './control/bans.ts';
import { ControlConnection } from './control/connection.ts';
import type { ConnectionHost } from './control/connection-host.ts';
import { remoteAddressOf, remoteOf } from './control/remote-address.ts';
import { type Stage, WaitingRoom } from './control/waiting-room.ts';
import { DescriptorWatch, descriptorOf } from './descriptors.ts';

interface DoorOptions {
  readonly emit: Emit;
  readonly clock: Clock;
  /** Most concurrent connections without a tunnel. */
  readonly maxPending: number;
  readonly bans: BanRules | undefined;
  /** Host of accepted connections. */
  readonly host: ConnectionHost<ControlConnection>;
}

interface Refusal {
  readonly reason: string;
  readonly explanation: string;
}

/** Accepts or rejects TCP connections and tracks the open ones. */
export class Door {
  /** Why all connections are rejected; undefined while they are accepted. */
  #shut: Refusal | undefined;
  accepted = 0;
  turnedAway = 0;
  failedLogins = 0;
  readonly #options: DoorOptions;
  readonly #pending: WaitingRoom<ControlConnection>;
  readonly #tunnels = new Set<ControlConnection>();
  /** Connections that are closing. */
  readonly #closing = new Set<ControlConnection>();
  readonly #descriptors: DescriptorWatch;
  /** Reports of connections closed on arrival or to make space for others. */
  readonly #reports: ReportLimit;
  readonly #bans: BanList;
  /** Callbacks that check whether connections are left. */
  readonly #watchers = new Set<() => void>();

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#pending = new WaitingRoom(options.maxPending);
    this.#descriptors = new DescriptorWatch(descriptorLimit(), options.emit);
    this.#reports = new ReportLimit(options.clock);
    this.#bans = new BanList(options.bans ?? NO_BANS, options.clock);
  }

  get shut(): Refusal | undefined {
    return this.#shut;
  }

  /** Rejects all new connections; with undefined, accepts them again. */
  turnAway(refusal: Refusal | undefined): void {
    this.#shut = refusal;
  }

  /** Connections without a tunnel. */
  get pending(): Iterable<ControlConnection> & { readonly size: number } {
    return this.#pending;
  }

  get tunnels(): ReadonlySet<ControlConnection> {
    return this.#tunnels;
  }

  /** Connections that had a tunnel and wait for the peer to close. */
  get closing(): Iterable<ControlConnection> {
    return this.#closing;
  }

  onConnection(socket: Socket): void {
    this.accepted++;
    const scarce = this.#descriptors.accepted(descriptorOf(socket));
    const refusal = this.#shut ?? this.#refusal(remoteAddressOf(socket)) ?? this.#makeRoom(scarce);
    if (refusal) {
      this.turnedAway++;
      this.#tell(remoteOf(socket), refusal);
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new ControlConnection(socket, this.#options.host);
    this.#pending.enter(connection);
    this.#options.host.onAccepted(connection);
  }

  /** Call when accepting failed; open connections continue. */
  onAcceptError(error: NodeJS.ErrnoException): void {
    this.#descriptors.failed(error);
  }

  onProgress(connection: ControlConnection, stage: Stage): void {
    this.#pending.advance(connection, stage);
  }

  onTunnel(connection: ControlConnection): void {
    this.#pending.leave(connection);
    this.#tunnels.add(connection);
  }

  onClosing(connection: ControlConnection): void {
    if (this.#tunnels.has(connection)) this.#closing.add(connection);
  }

  onFailedLogin(remoteAddress: string): void {
    this.failedLogins++;
    this.#bans.add(remoteAddress, BAN_POINTS.failedLogin);
  }

  /** Adds points to an address; with undefined, enough for a ban. */
  ban(address: string, points: number | undefined): void {
    if (points === undefined) this.#bans.ban(address);
    else this.#bans.add(address, points);
  }

  onGone(connection: ControlConnection): void {
    this.#pending.leave(connection);
    this.#tunnels.delete(connection);
    this.#closing.delete(connection);
    for (const look of [...this.#watchers]) look();
  }

  /** Resolves when no connection is left, or none without a tunnel, or after this many milliseconds. */
  whenEmpty(what: 'all' | 'pending', machine: Clock, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        const left = this.#pending.size + (what === 'all' ? this.#tunnels.size : 0);
        if (left === 0) finish();
      };
      const finish = (): void => {
        timer.cancel();
        this.#watchers.delete(look);
        resolve();
      };
      const timer = machine.setTimer(ms, finish);
      this.#watchers.add(look);
      look();
    });
  }

  /** Ends every connection, or those without a tunnel, at once without sending anything. */
  destroy(what: 'all' | 'pending'): void {
    for (const connection of [...this.#pending]) connection.destroy();
    if (what === 'all') for (const connection of [...this.#tunnels]) connection.destroy();
  }

  /** Clears all bans and points. */
  forgiveAll(): void {
    this.#bans.clear();
  }

  /** Why a connection must be closed before TLS; undefined if it is accepted. */
  #refusal(address: string): Refusal | undefined {
    const { bans, host } = this.#options;
    const { maxSessions } = host.settings;
    if (this.#tunnels.size >= maxSessions) {
      return { reason: 'full', explanation: `${maxSessions} sessions are connected, the maximum.` };
    }
    this.#bans.add(address, BAN_POINTS.connection);
    if (!this.#bans.banned(address)) return undefined;
    const { banTime } = bans ?? NO_BANS;
    return {
      reason: 'banned',
      explanation: `${address} is banned for ${banTime} s after too many failures, or by a fault.`,
    };
  }

  /**
   * Closes a connection that has not authenticated, the one that has come least far, if there are too many, or file descriptors are scarce. Returns why there is
   * no room even so.
   */
  #makeRoom(scarce: boolean): Refusal | undefined {
    const { maxPending } = this.#options;
    const full = this.#pending.size >= maxPending;
    const leaver = this.#pending.makeRoom(scarce);
    if (leaver === 'full' && !full) {
      const explanation = 'File descriptors are scarce, and all open connections have authenticated.';
      return { reason: 'descriptors', explanation };
    }
    if (leaver === 'full') {
      const explanation = `${maxPending} clients have authenticated and not connected, the maximum.`;
      return { reason: 'pending-full', explanation };
    }
    const cause = full ? `${maxPending} connections have no tunnel, the maximum` : 'File descriptors are scarce';
    if (leaver) {
      leaver.evict();
      const explanation = `${cause}; of the unauthenticated ones, this one had made the least progress, or waited longest.`;
      this.#tell(leaver.remote, { reason: 'pending', explanation });
    }
    return undefined;
  }

  #tell(remote: string, { reason, explanation }: Refusal): void {
    const withheld = this.#reports.next(reason);
    if (withheld === undefined) return;
    const more = withheld > 0 ? ` ${withheld} more of this kind were not reported.` : '';
    this.#options.emit('http.rejected', { remote, reason, explanation: `${explanation}${more}` });
  }
}
