/* data_refusals - the sentences with which a file is refused, one word each.
 *
 * README.md beside this file has an example of every one, and a test holds it to them. */
#ifndef ACTORS_TUNE_DATA_DATA_REFUSALS_H
#define ACTORS_TUNE_DATA_DATA_REFUSALS_H

#define DATA_REFUSALS(R)                                                    \
    R(EMPTY)       /* no byte, or no line with anything in it */            \
    R(KIND)        /* a web page, JSON, parquet, a workbook, ... */         \
    R(NUL)         /* NUL bytes in a text */                                \
    R(GZIP)        /* damaged, cut short */                                 \
    R(ZIP)         /* damaged, several files, encrypted */                  \
    R(UNPACKED)    /* too large, or packed too tightly to be a table */     \
    R(TIMEZONE)    /* the option names no zone */                           \
    R(NO_HEADER)   /* no line names the columns, no known layout without */ \
    R(ONE_COLUMN)  /* no separator */                                       \
    R(COLUMNS)     /* too many */                                           \
    R(NO_COLUMN)   /* one that is needed is not named */                    \
    R(TWO_COLUMNS) /* two that could be the same one */                     \
    R(VOLUMES)     /* several volumes, none of them the base asset's */     \
    R(SYMBOLS)     /* several, and none chosen */                           \
    R(SYMBOL)      /* the one that was chosen is not there */               \
    R(QUOTE)       /* opened and never closed */                            \
    R(FIELDS)      /* more in a row than columns */                         \
    R(CUT)         /* the last row ends before its line does */             \
    R(NUMBER)      /* unreadable */                                         \
    R(NUMBER_FORM) /* 1,234 may be two numbers */                           \
    R(DATE)        /* unreadable */                                         \
    R(DATE_ORDER)  /* day or month first: not proven */                     \
    R(TIME)        /* of the column of its own */                           \
    R(EPOCH)       /* digits that are no time */                            \
    R(EPOCH_UNITS) /* seconds and milliseconds in one column */             \
    R(EPOCH_STEP)  /* less than a second apart */                           \
    R(TWO_TIMES)   /* two columns of time that disagree */                  \
    R(ZONES)       /* some stamps have an offset, some not */               \
    R(ZONE_GAP)    /* a local time that never was */                        \
    R(ZONE_FOLD)   /* a local time that was twice */                        \
    R(PRICE)       /* not above 0, or too large */                          \
    R(RANGE)       /* high < low; open or close outside */                  \
    R(VOLUME)      /* negative */                                           \
    R(DROPPED)     /* too many rows with missing cells */                   \
    R(DUPLICATES)  /* too many rows of one time with other prices */        \
    R(FEW)         /* fewer than ten bars */

enum data_refusal {
    DATA_READ,
#define R(name) DATA_##name,
    DATA_REFUSALS(R)
#undef R
        DATA_REFUSALS_COUNT
};

#endif
