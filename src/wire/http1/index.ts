export { ExchangeWatch, type WatchedBody, type WatchedExchange, type WatchLimits } from './exchange-watch.ts';
export {
  type HeaderLine,
  type HttpFault,
  type HttpLimits,
  type HttpRequest,
  type HttpResponse,
  type HttpVersion,
  headerValues,
  serializeRequest,
  serializeResponse,
} from './message.ts';
export { type HttpReadResult, RequestReader, ResponseReader } from './reader.ts';
