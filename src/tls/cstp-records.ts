import { CSTP_HEADER_BYTES, CSTP_MAX_PAYLOAD, CstpType, serializeCstp, writeCstpHeader } from '../wire/cstp.ts';
import type { RecordWriter } from './record-writer.ts';

const NOTHING = new Uint8Array(0);

/**
 * Sends an IP packet, `buffer[offset, offset + length)`, as one record. Its header overwrites the eight bytes before it. False: dropped.
 */
export function writeCstpData(writer: RecordWriter, buffer: Buffer, offset: number, length: number): boolean {
  if (length > CSTP_MAX_PAYLOAD || offset < CSTP_HEADER_BYTES) return false;
  writeCstpHeader(buffer, offset - CSTP_HEADER_BYTES, CstpType.Data, length);
  return writer.write(buffer, offset - CSTP_HEADER_BYTES, offset + length);
}

/** Sends a packet of another type as one record. False: dropped. */
export function writeCstpControl(writer: RecordWriter, type: number, payload: Uint8Array = NOTHING): boolean {
  // Truncate an answer that is now too long for one record: a client would close the connection if it were split over two.
  const packet = serializeCstp(type, payload.subarray(0, writer.largest - CSTP_HEADER_BYTES));
  return writer.write(packet, 0, packet.length);
}
