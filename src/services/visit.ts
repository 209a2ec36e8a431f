import { endpointText } from '../lib/endpoint.ts';
import type { Visitor } from '../lib/person.ts';

/** One connection to a site, as its requests see it. */
export interface Visit {
  readonly visitor: Visitor;
  readonly scheme: 'http' | 'https';
  /** `api-https` */
  readonly service: string;
  /** `address:port` */
  readonly source: string;
  /** Requests that wait for their answers. */
  waiting: number;
}

export function visitBy(site: string, scheme: Visit['scheme'], visitor: Visitor): Visit {
  const source = endpointText(visitor.sourceAddress, visitor.sourcePort);
  return { visitor, scheme, service: `${site}-${scheme}`, source, waiting: 0 };
}
