import type { Clock, Timer } from '../lib/clock.ts';
import { DeadlineHeap, type Sleeper } from '../lib/deadline-heap.ts';
import { inputRead, LATE_MS, watchTimer } from '../lib/late-tick.ts';
import type { ClockFollower } from '../lib/simulator-clock.ts';
import type { Emit } from '../telemetry/events.ts';
import { LEAP_GRACE_MS, LEAP_POLL_MS, SCAN_INTERVAL, STALL_MS } from './constants.ts';
import type { ControlConnection } from './control/connection.ts';
import type { Look } from './control/connection-deadlines.ts';
import type { DataChannelServer } from './data/data-channel-port.ts';
import type { GatewaySession } from './session/session.ts';

/** What a time keeper needs from the gateway. */
export interface TimeKeeperHost {
  readonly clock: Clock;
  readonly machine: Clock;
  readonly emit: Emit;
  readonly dataChannels: DataChannelServer | undefined;
  /** Connections without a tunnel. */
  readonly pendingConnections: Iterable<ControlConnection>;
  /** Connections that had a tunnel and are closing. */
  readonly closingConnections: Iterable<ControlConnection>;
  readonly sessionTable: {
    values(): Iterable<GatewaySession>;
    check(now: number, late: number): void;
    checkAll(now: number): void;
  };
  /** Seconds after which a tunnel must be renewed. */
  readonly rekeyTime: number | undefined;
}

interface Limited extends Sleeper {
  readonly session: GatewaySession;
}

/**
 * The gateway's time limits: checks due sessions and connections without a tunnel every second, and handles jumps of the clock.
 *
 * A jump goes from limit to limit, in order of time. No packets can arrive during it, so it starts with probes: every client that the
 * jump would end for silence gets a probe and a short period of real time to answer it. Clients that answer stay connected; others
 * end at the point of the jump at which their time is over.
 */
export class TimeKeeper implements ClockFollower {
  readonly #host: TimeKeeperHost;
  #timer: Timer | undefined;
  #running = false;
  #coarseNow: number;
  /** Pending time limits during a jump. */
  #ahead: DeadlineHeap<Limited> | undefined;
  #wake: Timer | undefined;
  /** Sessions probed before a jump. */
  #questioned: readonly GatewaySession[] = [];
  /** Sessions whose tunnel becomes due for a rekey during a jump. */
  #aging: readonly GatewaySession[] = [];

  constructor(host: TimeKeeperHost) {
    this.#host = host;
    this.#coarseNow = host.clock.monotonic();
  }

  /** Monotonic time of the last check. */
  get coarseNow(): number {
    return this.#coarseNow;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.look(0);
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  /** Checks every time limit now. @param machineLate milliseconds of the machine's clock during which no input was read until now */
  look(machineLate: number): void {
    const { clock, machine, sessionTable, pendingConnections, closingConnections } = this.#host;
    const now = clock.monotonic();
    // While the clock is stopped, no time passes without input being read.
    const late = Math.min(machineLate, now - this.#coarseNow);
    this.#coarseNow = now;
    const look: Look = { now, late, machineNow: machine.monotonic(), machineLate };
    for (const connection of pendingConnections) connection.check(look);
    for (const connection of closingConnections) connection.check(look);
    sessionTable.check(now, late);
  }

  // --- ClockFollower

  async prepare(leap: number): Promise<void> {
    const { clock, machine, dataChannels, pendingConnections, sessionTable } = this.#host;
    const end = clock.monotonic() + leap;
    let connections = [...pendingConnections].filter((connection) => connection.overdueAt(end));
    // Packets received before the probe do not answer it.
    await inputRead();
    let sessions = [...sessionTable.values()].filter((session) => session.tunnel?.askBefore(leap));
    this.#questioned = sessions;
    dataChannels?.askBefore(leap);
    for (let left = LEAP_GRACE_MS; left > 0; ) {
      sessions = sessions.filter((session) => session.tunnel?.asked);
      connections = connections.filter((connection) => connection.overdueAt(end));
      if (sessions.length === 0 && connections.length === 0 && !dataChannels?.asked) return;
      const before = machine.monotonic();
      const late = await new Promise<number>((resolve) => watchTimer(machine, LEAP_POLL_MS, resolve));
      // Only time in which input was read counts.
      if (late < LATE_MS) left -= machine.monotonic() - before;
    }
  }

  begin(end: number): void {
    const { clock, rekeyTime, sessionTable } = this.#host;
    const now = clock.monotonic();
    const ahead = new DeadlineHeap<Limited>();
    this.#ahead = ahead;
    for (const { tunnel } of this.#questioned) if (!tunnel?.asked) tunnel?.vouch(end);
    const sessions = [...sessionTable.values()];
    this.#aging = sessions.filter(({ tunnel }) => {
      if (!tunnel || !rekeyTime) return false;
      const due = tunnel.openedAt + rekeyTime * 1000;
      return due > now && due <= end;
    });
    for (const session of sessions) ahead.schedule({ session, heapIndex: -1 }, session.deadline);
    this.#wakeAtNext();
  }

  settle(): void {
    const { clock, dataChannels, rekeyTime, sessionTable } = this.#host;
    this.#ahead = undefined;
    this.#wake?.cancel();
    this.look(0);
    sessionTable.checkAll(clock.monotonic());
    dataChannels?.leapt();
    const now = clock.monotonic();
    for (const session of this.#aging) {
      const { tunnel } = session;
      if (!tunnel || !rekeyTime || now < tunnel.openedAt + rekeyTime * 1000) continue;
      session.rekey(`The tunnel is older than ${rekeyTime} s by the simulator's clock, which was moved.`);
    }
    this.#aging = [];
    this.#questioned = [];
  }

  #wakeAtNext(): void {
    const { clock } = this.#host;
    this.#wake?.cancel();
    const at = this.#ahead?.next ?? Infinity;
    if (at < Infinity) this.#wake = clock.setTimer(at - clock.monotonic(), () => this.#onLimit());
  }

  #onLimit(): void {
    const ahead = this.#ahead;
    if (!ahead) return;
    const now = this.#host.clock.monotonic();
    this.#coarseNow = now;
    while (ahead.next <= now) {
      const limited = ahead.shift();
      limited.session.check(now);
      const next = limited.session.deadline;
      // A limit that passed without effect is handled by the check at the end.
      if (next > now) ahead.schedule(limited, next);
    }
    this.#wakeAtNext();
  }

  #schedule(): void {
    this.#timer = watchTimer(this.#host.machine, SCAN_INTERVAL, (late) => {
      if (late >= STALL_MS) this.#host.emit('gateway.stalled', { milliseconds: late });
      this.look(late);
      if (this.#running) this.#schedule();
    });
  }
}
