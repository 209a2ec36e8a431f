import type { DatagramDirection } from '../udp/index.ts';

interface Entry {
  /** How many datagrams must still pass it. */
  left: number;
  go: () => void;
}

/** Datagrams that are held until others have overtaken them, by direction. */
export class Overtaken {
  readonly #waiting: Readonly<Record<DatagramDirection, Set<Entry>>> = { in: new Set(), out: new Set() };

  add(direction: DatagramDirection, entry: Entry): void {
    this.#waiting[direction].add(entry);
  }

  remove(direction: DatagramDirection, entry: Entry): void {
    this.#waiting[direction].delete(entry);
  }

  /** A datagram passes without delay. */
  wentBy(direction: DatagramDirection): void {
    for (const entry of this.#waiting[direction]) entry.left--;
  }

  /** Before the next datagram: releases those that have been overtaken. */
  freeDue(direction: DatagramDirection): void {
    const waiting = this.#waiting[direction];
    if (waiting.size === 0) return;
    for (const entry of [...waiting]) if (entry.left <= 0) entry.go();
  }
}
