/** The most items of one page, and the default. */
export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;
/** The maximum for fleets, because each fleet needs a separate query. */
export const MAX_FLEET_PAGE = 50;
export const DEFAULT_FLEET_PAGE = 20;
