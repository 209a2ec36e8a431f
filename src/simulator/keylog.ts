import type { Config } from '../config/index.ts';
import type { CloseStack } from '../lib/dispose.ts';
import { openAppendFile } from './append-file.ts';

/** Where key-log lines go by the configuration: to a file, or nowhere. */
export function keylogOf({ gateway: { tls } }: Config, closing: CloseStack): ((line: string) => void) | undefined {
  if (tls.keylogFile === null) return undefined;
  const file = openAppendFile(tls.keylogFile, 'gateway.tls.keylogFile');
  closing.defer(() => file.close());
  return file.write;
}
