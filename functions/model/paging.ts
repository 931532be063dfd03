/** Maximum and default number of items on a page. */
export const MAX_PAGE = 500;
export const DEFAULT_PAGE = 100;
/** Maximum number of fleets on a page. It is lower than MAX_PAGE, because each fleet needs a separate query. */
export const MAX_FLEET_PAGE = 50;
export const DEFAULT_FLEET_PAGE = 20;
