import { MAX_LINK_MTU, MIN_LINK_MTU, OLD_CLIENT_OVERHEAD } from './constants.ts';

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;

export interface MtuInput {
  /** The server's configured link MTU. */
  readonly configured: number;
  readonly clientBaseMtu: number | undefined;
  readonly clientMtu: number | undefined;
  /** IP version of the connection between client and gateway. */
  readonly family: 4 | 6;
  /** Bytes that the data channel adds to a packet; 0 without one. */
  readonly overhead: number;
}

/** Computes the MTUs as ocserv 1.3.0 does, in bytes: `base` is sent as X-CSTP-Base-MTU, `data` as X-CSTP-MTU. */
export function tunnelMtu(input: MtuInput): { readonly base: number; readonly data: number } {
  const headers = (input.family === 4 ? IPV4_HEADER : IPV6_HEADER) + UDP_HEADER;
  let link = Math.min(input.configured, MAX_LINK_MTU);
  if (input.clientBaseMtu) link = Math.min(link, input.clientBaseMtu);
  else if (input.clientMtu) link = Math.min(link, input.clientMtu + headers + OLD_CLIENT_OVERHEAD);
  link = Math.max(link, MIN_LINK_MTU);
  return { base: link, data: link - headers - input.overhead };
}
