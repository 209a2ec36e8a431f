import { endpointText } from '../lib/endpoint.ts';
import type { Visitor } from '../lib/person.ts';
import type { PipeliningClient } from './pipelining.ts';

/** One connection to a site, as its requests see it. */
export interface Visit extends PipeliningClient {
  readonly visitor: Visitor;
  readonly scheme: 'http' | 'https';
  /** `api-https` */
  readonly service: string;
  /** `address:port` */
  readonly source: string;
}

export function visitBy(site: string, scheme: Visit['scheme'], visitor: Visitor): Visit {
  const source = endpointText(visitor.sourceAddress, visitor.sourcePort);
  return { visitor, scheme, service: `${site}-${scheme}`, source, waiting: 0 };
}
