import { isBelow } from '../../lib/domain-name.ts';
import { addressBytes } from '../../lib/ip-address.ts';
import { type IpRange, parseRange, rangeBytes } from '../../lib/ip-range.ts';
import type { TunnelConfiguration } from '../core/tunnel-configuration.ts';
import { localAddressFor } from '../core/tunnel-configuration.ts';

/** The part of a gateway's configuration that decides where packets and DNS queries go. */
export type SplitSettings = Pick<
  TunnelConfiguration,
  'address4' | 'address6' | 'routesInclude' | 'routesExclude' | 'splitDns' | 'defaultDomain'
>;

interface Route {
  readonly network: readonly number[];
  readonly mask: readonly number[];
  readonly bits: number;
  readonly include: boolean;
}

/** `10.0.0.0/255.0.0.0`, `10.0.0.0/8`, `fd00::/8` or an address; undefined for anything else. */
export function parseRoute(text: string): IpRange | undefined {
  const [address = '', mask] = text.trim().split('/');
  const bytes = mask?.includes('.') ? addressBytes(mask) : undefined;
  if (bytes === undefined) return parseRange(text.trim());
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  // A mask with a hole in it is not a network.
  return /^1*0*$/.test(bits) ? parseRange(`${address}/${bits.lastIndexOf('1') + 1}`) : undefined;
}

/**
 * Which addresses the tunnel carries, and for which names its resolver is queried: the routes and split DNS of the gateway's answer to CONNECT
 * (draft-mavrogiannopoulos-openconnect). The longest prefix wins, as in a routing table; at equal length the excluded network wins. An address
 * goes through the tunnel if no included network is of its family.
 */
export class SplitTunnel {
  readonly #settings: SplitSettings;
  readonly #routes: readonly Route[];
  readonly #domains: ReadonlySet<string>;

  constructor(settings: SplitSettings) {
    this.#settings = settings;
    const routes = (texts: readonly string[], include: boolean): Route[] =>
      texts.flatMap((text) => {
        const range = parseRoute(text);
        return range ? [{ ...rangeBytes(range), bits: range[1], include }] : [];
      });
    this.#routes = [...routes(settings.routesExclude, false), ...routes(settings.routesInclude, true)];
    const domains = [...settings.splitDns, ...(settings.splitDns.length > 0 ? [settings.defaultDomain ?? ''] : [])];
    this.#domains = new Set(domains.map(plain).filter((name) => name !== ''));
  }

  /** Whether packets to an address go through the tunnel. */
  carries(address: string): boolean {
    const bytes = addressBytes(address);
    if (bytes === undefined || localAddressFor(this.#settings, address) === undefined) return false;
    const family = this.#routes.filter(({ network }) => network.length === bytes.length);
    let best: Route | undefined;
    for (const route of family) {
      if (best !== undefined && route.bits <= best.bits) continue;
      if (route.network.every((byte, i) => byte === (bytes[i]! & route.mask[i]!))) best = route;
    }
    return best?.include ?? !family.some(({ include }) => include);
  }

  /**
   * Whether to query the tunnel's resolver for a name; never for the machine's own (RFC 6761 §6.3). Always for names without a dot: they get the
   * gateway's suffix.
   */
  resolves(name: string): boolean {
    const asked = plain(name);
    if (isOwnName(asked)) return false;
    return (
      this.#domains.size === 0 || !asked.includes('.') || this.#domains.has(asked) || isBelow(asked, this.#domains)
    );
  }

  /** The networks of the tunnel, as text. */
  get words(): string {
    const { routesInclude, routesExclude } = this.#settings;
    const shown = (list: readonly string[]): string =>
      list.length > 8 ? `${list.slice(0, 8).join(', ')} and ${list.length - 8} others` : list.join(', ');
    const included = routesInclude.length === 0 ? 'everything' : shown(routesInclude);
    return routesExclude.length === 0 ? included : `${included}, but not ${shown(routesExclude)}`;
  }
}

/** Whether a name means the machine itself. */
export function isOwnName(name: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(name);
}

/** A name normalized for comparison: lower case, without leading or trailing dots. */
function plain(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
}
