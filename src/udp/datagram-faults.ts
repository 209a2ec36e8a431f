/** Which way a datagram travels: `in` = from the client, `out` = to the client. */
export type DatagramDirection = 'in' | 'out';

/** What to do with one UDP datagram. */
export type DatagramFault =
  | { readonly kind: 'drop' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'duplicate'; readonly milliseconds: number }
  | { readonly kind: 'corrupt'; readonly bit: number };

/** Who decides what happens to datagrams. Undefined: no fault, go on. */
export interface DatagramFaults {
  datagram?(direction: DatagramDirection, length: number, session: string | undefined): DatagramFault | undefined;
}
