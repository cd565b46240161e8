/**
 * Thrown by the stream of a response that cannot be completed. Its connection is closed: Deno would
 * keep it open until the client has sent its whole request.
 */
export class UnfinishedBodyError extends Error {}
