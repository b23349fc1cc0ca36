/* migrate - brings a database to the schema of this binary.
 *
 * The files of migrations/ are part of the binary. They are applied in order, each in one
 * transaction, under an advisory lock: runners that start together wait for each other.
 *
 *   NNN_name.sql         tables. Applied once, and recorded with its checksum in
 *                        schema_migrations. One that was changed after it was applied is
 *                        an error; a row that this binary does not know is of a newer one
 *                        and left alone.
 *   functions/name.sql   functions, views and triggers, all CREATE OR REPLACE. Applied
 *                        again whenever its checksum is another than schema_functions
 *                        says, and all of them behind a migration that was applied. A
 *                        database that a newer binary has migrated keeps that one's. What a
 *                        file no longer defines is dropped by a numbered migration.
 *
 * Running it again applies nothing.
 */
#ifndef MIGRATIONS_MIGRATE_H
#define MIGRATIONS_MIGRATE_H

#include "proto/error.h"

/* detail, on error: which file, which line, what the database said; for operators.
 * TM_STORE_DOWN: not reachable. */
TM_CHECKED tm_err_t migrate_run(const char *url, char *detail, size_t size, int *ret_applied);

/* Writes dir/NAME.json into the table strategies, in one transaction: new ones are added,
 * changed ones replaced, others left. Each must be a JSON object with "id" (a UUID) and "name".
 * *ret_count: files read. */
TM_CHECKED tm_err_t migrate_strategies(const char *url, const char *dir, char *detail,
                                       size_t size, int *ret_count);

#endif
