import type { TunnelClient } from '../../src/index.ts';

/** The CA of the inspecting proxy, as a client in the tunnel downloads it. */
export async function inspectingCa(client: TunnelClient): Promise<string> {
  const stream = await client.openTcp('proxy.contoso.internal', 80);
  stream.end('GET /inspecting-ca.pem HTTP/1.1\r\nHost: proxy.contoso.internal\r\nConnection: close\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return /-----BEGIN[\s\S]+-----END CERTIFICATE-----/.exec(Buffer.concat(chunks).toString())![0];
}
