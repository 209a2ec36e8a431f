import { MIN_MTU_V4, MIN_MTU_V6, PATH_MTU_ENTRIES, PATH_MTU_TTL } from '../core/constants.ts';
import type { IpFamily } from '../core/types.ts';

interface Entry {
  readonly mtu: number;
  readonly until: number;
}

/** Path MTUs learned from ICMP: a cache per remote address (RFC 1191 §6.3, RFC 8201 §5.3) that evicts the oldest entry first. */
export class PathMtuCache {
  readonly #entries = new Map<string, Entry>();

  get(address: string, now: number): number | undefined {
    const entry = this.#entries.get(address);
    if (entry === undefined) return undefined;
    if (now < entry.until) return entry.mtu;
    this.#entries.delete(address);
    return undefined;
  }

  delete(address: string): void {
    this.#entries.delete(address);
  }

  clear(): void {
    this.#entries.clear();
  }

  set(address: string, mtu: number, now: number): void {
    this.#entries.delete(address);
    if (this.#entries.size >= PATH_MTU_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.set(address, { mtu, until: now + PATH_MTU_TTL });
  }
}

/** Plateaus of RFC 1191 §7, for routers that report no next-hop MTU. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006];

/** The plausible MTU after a packet of `size` bytes was too big; 0 = none. */
export function believableMtu(family: IpFamily, told: number, size: number): number {
  const least = family === 4 ? MIN_MTU_V4 : MIN_MTU_V6;
  if (told === 0 && family === 4) told = PLATEAUS.find((plateau) => plateau < size) ?? least;
  if (told >= size) return 0;
  return Math.max(told, least);
}
