import type { Config } from '../config/index.ts';
import type { CloseStack } from '../lib/dispose.ts';
import { openAppendFile } from './append-file.ts';

/** Destination of key-log lines according to the configuration: a file, or none. */
export function keylogOf({ gateway: { tls } }: Config, closing: CloseStack): ((line: string) => void) | undefined {
  if (tls.keylogFile === null) return undefined;
  const file = openAppendFile(tls.keylogFile, 'gateway.tls.keylogFile');
  closing.defer(() => file.close());
  return file.write;
}
