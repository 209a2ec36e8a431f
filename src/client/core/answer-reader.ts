import { errorText, TunneliteError } from '../../lib/errors.ts';
import { type HttpReadResult, type HttpResponse, ResponseReader } from '../../wire/http1/index.ts';
import { RESPONSE_LIMITS } from './constants.ts';
import { answerWords, BEGINNING_BYTES, insteadOfHttp, notAGateway } from './not-a-gateway.ts';

/** Reads one answer, or describes what came instead. */
export class AnswerReader {
  readonly #reader: ResponseReader;
  readonly #proven: boolean;
  #beginning: Buffer = Buffer.alloc(0);

  /** @param proven the server has answered before, so it is a gateway */
  constructor(method: string, proven: boolean) {
    this.#reader = new ResponseReader(method, RESPONSE_LIMITS);
    this.#proven = proven;
  }

  /** Takes bytes. Returns undefined if more are needed. */
  feed(chunk: Buffer): HttpResponse | TunneliteError | undefined {
    if (this.#beginning.length < BEGINNING_BYTES) {
      this.#beginning = Buffer.concat([this.#beginning, chunk.subarray(0, BEGINNING_BYTES - this.#beginning.length)]);
      const other = insteadOfHttp(this.#beginning);
      if (other) return other;
    }
    this.#reader.feed(chunk);
    return this.#take(this.#reader.next());
  }

  /** The connection ended. An answer that is delimited by the end of the connection is now complete, however the connection ended. */
  end(error: Error | undefined): HttpResponse | TunneliteError {
    const result = this.#take(this.#reader.end());
    if (result) return result;
    const how = error ? `aborted the connection (${errorText(error)})` : 'closed the connection';
    const { head } = this.#reader;
    const when = head ? `within its answer, ${answerWords(head)}` : 'without an answer';
    if (this.#proven) {
      return new TunneliteError('ERR_CLIENT_DISCONNECTED', `The gateway ${how} ${when}.`, { cause: error });
    }
    return notAGateway('end', `it completed the TLS handshake, but ${how} ${when}.`, error);
  }

  /** The bytes after the answer. */
  rest(): Buffer {
    return this.#reader.rest();
  }

  #take(result: HttpReadResult<HttpResponse>): HttpResponse | TunneliteError | undefined {
    if (!result) return undefined;
    if ('message' in result) return result.message;
    const { head } = this.#reader;
    if (head && result.fault.reason === 'body-too-large') {
      return notAGateway(
        'page',
        `it answered the login with ${answerWords(head)}, which is longer than that of any gateway.`,
      );
    }
    const answer = head ? `answer, ${answerWords(head)},` : 'answer';
    return notAGateway('broken-http', `its ${answer} cannot be read. ${result.fault.explanation}`);
  }
}
