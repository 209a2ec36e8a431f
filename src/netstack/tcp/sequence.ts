/**
 * Sequence-number arithmetic modulo 2^32 (RFC 9293 §3.4) on 32-bit signed integers: the engine stores every sequence number as `x | 0`, so
 * that differences wrap around and V8 never boxes the numbers.
 */
export const seqLt = (a: number, b: number): boolean => ((a - b) | 0) < 0;
export const seqLe = (a: number, b: number): boolean => ((a - b) | 0) <= 0;
export const seqGt = (a: number, b: number): boolean => ((a - b) | 0) > 0;
export const seqGe = (a: number, b: number): boolean => ((a - b) | 0) >= 0;

/** TCP header flags (RFC 9293 §3.1). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
