/** An error as Graph reports it: status, code and message (Microsoft: "Microsoft Graph error responses and resource types"). */
export class GraphError extends Error {
  readonly status: number;
  readonly code: string;
  /** Which member of a body it was about, from the outside in: for those who know where that stands in a file. */
  readonly path: readonly (string | number)[];

  constructor(status: number, code: string, message: string, path: readonly (string | number)[] = []) {
    super(message);
    this.name = 'GraphError';
    this.status = status;
    this.code = code;
    this.path = path;
  }

  /** The same, further down in something. */
  under(...steps: readonly (string | number)[]): GraphError {
    return new GraphError(this.status, this.code, this.message, [...steps, ...this.path]);
  }
}

export const badRequest = (message: string, path: readonly (string | number)[] = []): GraphError =>
  new GraphError(400, 'BadRequest', message, path);

/** No such object: in words of the service that keeps it. */
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

/** Where a body is not what it should be. */
export function wrongValue(
  member: string,
  expected: string,
  path: readonly (string | number)[] = [member],
): GraphError {
  return badRequest(`The value of property '${member}' is not valid: ${expected} is expected.`, path);
}
