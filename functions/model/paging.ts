/** The most items of one page, and the default. */
export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;
/** The maximum for fleets, because each fleet needs a query of its own. */
export const MAX_FLEET_PAGE = 50;
export const DEFAULT_FLEET_PAGE = 20;
