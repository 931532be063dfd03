/**
 * Returns a function that batches calls of `work`. The first call starts a batch immediately. While a batch is running,
 * the items of further calls are collected for the next batch. Each call gets the result, or the error, of the batch
 * with its items.
 *
 * @param work processes one batch. No two batches run at the same time
 */
export function gathered<Item, Result>(
  work: (items: readonly Item[]) => Promise<Result>,
): (items: readonly Item[]) => Promise<Result> {
  let underWay: Promise<unknown> | undefined;
  let next: { items: Item[]; result: Promise<Result> } | undefined;
  const begin = (items: readonly Item[]): Promise<Result> => {
    const result = work(items);
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    underWay = ended;
    void ended.then(() => {
      if (underWay === ended) underWay = undefined;
    });
    return result;
  };
  return async (items) => {
    if (next) next.items.push(...items);
    else if (underWay === undefined) return await begin(items);
    else {
      const gathering = [...items];
      const result = underWay.then(() => {
        next = undefined;
        return begin(gathering);
      });
      next = { items: gathering, result };
    }
    return await next.result;
  };
}
