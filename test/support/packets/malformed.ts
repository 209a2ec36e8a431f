/** Bytes or values that are no packet. */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket';
}
