/* tune_setup - what a tune's request means: its bars, its strategy, its costs.
 *
 * The steps that a tune and a single trial of it have in common. Each makes one try; what is
 * wrong is said in the detail. TM_STORE_DOWN and TM_BUSY: try again later.
 */
#ifndef ACTORS_TUNE_STORE_TUNE_SETUP_H
#define ACTORS_TUNE_STORE_TUNE_SETUP_H

#include "actors/kit/contracts/tune_request.h"
#include "actors/tune/store/dataset_cache.h"
#include "actors/tune/store/tune_store.h"

/* Everything is borrowed. */
struct tune_setup {
    const settings_t *settings;
    tune_store_t *store;
    lru_t *datasets;
    const struct tune_spec *spec;
    const tm_uuid_t *workspace;
    char *detail;    /* TUNE_DETAIL_BYTES */
    json_t **faults; /* of a file that is refused: data_report_errors, the caller's; NULL:
                        nobody asks */
};

__attribute__((format(printf, 3, 4))) tm_err_t tune_setup_refuse(char *detail, tm_err_t err,
                                                                 const char *format, ...);

/* The request, as it stands in a job or was kept. settings: as tune_spec_parse takes them. */
TM_CHECKED tm_err_t tune_setup_spec(const char *text, size_t size, const settings_t *settings,
                                    struct tune_spec *ret, char *detail);
/* What the strategy needs of it, from the cache; else it is loaded, read and put there. Good
 * until the cache's next one. */
TM_CHECKED tm_err_t tune_setup_dataset(const struct tune_setup *self,
                                       const strategy_t *strategy, const dataset_t **ret);
/* Those between date_from and date_to on the exchange's calendar, as a view; the bars before it
 * are its lead. */
TM_CHECKED tm_err_t tune_setup_bars(const struct tune_setup *self, const dataset_t *dataset,
                                    bars_t *ret);
/* The request's own spec, else the one that the database has now. Both are the caller's. */
TM_CHECKED tm_err_t tune_setup_strategy(const struct tune_setup *self, strategy_t **ret,
                                        json_t **ret_spec);
struct backtest_options tune_setup_backtest(const struct tune_spec *spec);

#endif
