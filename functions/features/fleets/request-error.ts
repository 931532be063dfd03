/** An error in a request. It has the same shape as the API's field errors. */
export interface RequestError {
  pointer: string;
  code: string;
  message: string;
}
