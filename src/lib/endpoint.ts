/** An address as URLs write it: IPv6 in brackets (RFC 3986 §3.2.2). A host name stays as it is. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** `address:port` as URLs write it. */
export function endpointText(address: string, port: number): string {
  return `${hostText(address)}:${port}`;
}
