/**
 * Has work done on items together: those that come while earlier ones are being worked on are done next, in one go.
 * The first ones do not wait. Each call gets the result of the work that its items were part of, or its error.
 *
 * @param work is never under way twice
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
