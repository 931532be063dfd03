/** Maximum length of a successful answer, in bytes. A longer answer is an error. */
const MAX_ANSWER_BYTES = 32 * 1_024 * 1_024;
/** Maximum length of an error answer, in bytes. The rest of a longer answer is not read. */
const MAX_REFUSAL_BYTES = 64 * 1_024;

/**
 * Reads an answer's text up to a maximum length.
 *
 * @param maxBytes maximum length of a successful answer
 * @throws RangeError if the answer of a successful call is too long
 */
export async function readBody(response: Response, maxBytes = MAX_ANSWER_BYTES): Promise<string> {
  const { body, ok } = response;
  if (!body) return '';
  const most = ok ? maxBytes : MAX_REFUSAL_BYTES;
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    text += decoder.decode(value, { stream: true });
    if (bytes <= most) continue;
    await reader.cancel();
    if (ok) throw new RangeError(`the answer has more than ${maxBytes} bytes`);
    return text.slice(0, most);
  }
}
