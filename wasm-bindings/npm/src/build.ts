// Which build of the package this is: of two tabs the newer one has the database.
declare const __BUILD__: number

/** Seconds since 1970 when it was built. */
export const BUILD: number = __BUILD__
