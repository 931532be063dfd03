/** The most items of one page of a list, and of one that does not say how many it wants. */
export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;
/** Of fleets, each of which is a query of its own. */
export const MAX_FLEET_PAGE = 50;
export const DEFAULT_FLEET_PAGE = 20;
