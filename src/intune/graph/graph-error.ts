/** An error as Graph reports it: status, code and message (Microsoft: "Microsoft Graph error responses and resource types"). */
export class GraphError extends Error {
  readonly status: number;
  readonly code: string;
  /** Path of the invalid member in a body, outermost first: for callers that know its position in a file. */
  readonly path: readonly (string | number)[];

  constructor(status: number, code: string, message: string, path: readonly (string | number)[] = []) {
    super(message);
    this.name = 'GraphError';
    this.status = status;
    this.code = code;
    this.path = path;
  }

  /** The same error, for a nested member. */
  under(...steps: readonly (string | number)[]): GraphError {
    return new GraphError(this.status, this.code, this.message, [...steps, ...this.path]);
  }
}

export const badRequest = (message: string, path: readonly (string | number)[] = []): GraphError =>
  new GraphError(400, 'BadRequest', message, path);

/** No such object: uses the message of the service that stores it. */
export function notFound(what: 'intune' | 'directory', id: string): GraphError {
  return what === 'directory'
    ? new GraphError(
        404,
        'Request_ResourceNotFound',
        `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
      )
    : new GraphError(404, 'ResourceNotFound', `Resource '${id}' was not found.`);
}

export const noSegment = (segment: string): GraphError =>
  badRequest(`Resource not found for the segment '${segment}'.`);

/** An invalid body. */
export function wrongValue(
  member: string,
  expected: string,
  path: readonly (string | number)[] = [member],
): GraphError {
  return badRequest(`The value of property '${member}' is not valid: ${expected} is expected.`, path);
}
