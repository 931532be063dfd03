/** A request as a scripted cloud receives it. */
export interface Asked {
  method: string;
  url: URL;
  headers: Headers;
  /** The body as it was sent; empty if there is none. */
  text: string;
  atMs: number;
}
