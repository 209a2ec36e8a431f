import { errorText, isTunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';

/** Ours: maximum number of characters of a cause. */
const MOST = 120;

/** Why a client has no tunnel, in a few words so that equal causes are grouped: addresses, ports and times are omitted. */
export function causeOf(error: unknown): string {
  if (!isTunneliteError(error)) return printable(errorText(error)).slice(0, MOST);
  const system = (error.cause as { readonly code?: unknown } | undefined)?.code;
  const detail = typeof system === 'string' && !system.startsWith('ERR_CLIENT') ? system : wordsOf(error.message);
  return `${error.code}: ${printable(detail)}`.slice(0, MOST);
}

function wordsOf(message: string): string {
  return message
    .replaceAll(/\[[0-9a-f:.]+\]|\b\d{1,3}(?:\.\d{1,3}){3}\b/gi, '…')
    .replaceAll(/\b(\d{3})\b(?= [A-Z])|\b\d+(?:\.\d+)?\b/g, (_all, status?: string) => status ?? '…')
    .replaceAll(/…(?:[ :]*…)+/g, '…');
}
