import { isBelow } from '../../lib/domain-name.ts';
import { bareHost } from '../../lib/endpoint.ts';
import { canonicalAddress } from '../../lib/ip-address.ts';

/** Hosts reached outside the tunnel, whatever the routes are: `bypassedUrls` of the SDK ("MAM Tunnel for iOS", learn.microsoft.com). */
export class BypassList {
  readonly #hosts = new Set<string>();
  readonly #parents = new Set<string>();

  /** @param entries hosts, `*.parent` or `.parent` for all subdomains, or URLs, of which only the host counts. Other entries are ignored. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const host = hostOf(entry);
      if (host === undefined) continue;
      const [, below] = /^\*?\.(.+)$/.exec(host) ?? [];
      if (below === undefined) this.#hosts.add(host);
      else this.#parents.add(below);
    }
  }

  has(host: string): boolean {
    const name = comparable(host);
    return this.#hosts.has(name) || isBelow(name, this.#parents);
  }
}

function hostOf(entry: string): string | undefined {
  const text = entry.trim();
  const host = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? URL.parse(text)?.hostname
    : text.replace(/[/?#].*$/s, '').replace(/:\d+$/, '');
  return host === undefined || host === '' ? undefined : comparable(host);
}

function comparable(host: string): string {
  return canonicalAddress(bareHost(host.toLowerCase()).replace(/\.$/, ''));
}
