#include "actors/tune/data/header.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum meaning meaning;
    int rank;
} names[] = {
#define N(name, meaning, rank) {name, MEANS_##meaning, rank},
#include "actors/tune/data/column_names.def"
#undef N
};
#define NAMES         (sizeof names / sizeof names[0])
#define RANK_ADJUSTED 2

const char *
header_word(enum meaning meaning)
{
    static const char *const words[MEANS_COUNT + 1] = {
        "date", "time",  "date and time", "epoch time",  "date",         "open",   "high",
        "low",  "close", "volume",        "tick volume", "quote volume", "symbol", "nothing"};

    return words[meaning];
}

/* "4. close", "1a. open" begin after their number. */
static void
skip_numbering(struct cell *cell)
{
    size_t at = 0;

    while (at < cell->size && cell->text[at] >= '0' && cell->text[at] <= '9')
        at++;
    if (at == 0 || at > 2)
        return;
    at += at < cell->size && cell->text[at] >= 'a' && cell->text[at] <= 'z';
    if (at < cell->size && cell->text[at] == '.') {
        cell->text += at + 1;
        cell->size -= at + 1;
    }
}

/* The letter under the dots of a UTF-8 letter, 0 if it is another. */
static char
plain_letter(unsigned char first, unsigned char second)
{
    static const struct {
        unsigned char second;
        char letter;
    } letters[] = {{0xb6, 'o'}, {0x96, 'o'}, {0xbc, 'u'}, {0x9c, 'u'}, {0xa4, 'a'},
                   {0x84, 'a'}, {0xb4, 'o'}, {0xa9, 'e'}, {0xa8, 'e'}};

    for (size_t i = 0; first == 0xc3 && i < sizeof letters / sizeof letters[0]; i++) {
        if (letters[i].second == second)
            return letters[i].letter;
    }
    return 0;
}

void
header_fold(const struct cell *cell, char out[HEADER_FOLD_MAX])
{
    struct cell rest = *cell;
    size_t used = 0;

    skip_numbering(&rest);
    for (size_t i = 0; i < rest.size; i++) {
        const unsigned char c = (unsigned char)rest.text[i];
        char kept = 0;

        if (c >= 'A' && c <= 'Z')
            kept = (char)(c + 32);
        else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            kept = (char)c;
        else if (c >= 0x80 && i + 1 < rest.size)
            kept = plain_letter(c, (unsigned char)rest.text[i + 1]);
        if (c >= 0x80 && kept)
            i++;
        else if (c >= 0x80)
            kept = '?'; /* no name of ours */
        if (kept && used + 1 == HEADER_FOLD_MAX) {
            used = 0;
            out[used++] = '?'; /* longer than any name of ours */
            break;
        }
        if (kept)
            out[used++] = kept;
    }
    out[used] = '\0';
}

/* ---- volumes that are named after an asset ---------------------------------------------- */

bool
header_is_quote(const char *asset)
{
    static const char *const quotes[] = {"usd", "usdt", "usdc", "busd", "tusd", "fdusd",
                                         "dai", "eur",  "gbp",  "jpy",  "krw",  "try",
                                         "brl", "aud",  "cad",  "chf",  "rub",  "currency"};

    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
        if (strcmp(asset, quotes[i]) == 0)
            return true;
    }
    return false;
}

static void
read_asset(const char *name, size_t at, struct header *ret)
{
    const char *asset = strncmp(name, "volume", 6) == 0 ? name + 6 : "";
    const size_t size = strlen(asset);

    if (size < 2 || size >= sizeof ret->assets[0].asset || ret->asset_count == HEADER_ASSETS)
        return;
    ret->assets[ret->asset_count].at = at;
    memcpy(ret->assets[ret->asset_count++].asset, asset, size + 1);
}

/* ---- the whole -------------------------------------------------------------------------- */

static size_t
find_name(const char *name)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(names[i].name, name) == 0)
            return i;
    }
    return NAMES;
}

void
header_read(const struct cell *row, size_t count, struct header *ret)
{
    int ranks[MEANS_COUNT] = {0};
    char name[HEADER_FOLD_MAX];

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < MEANS_COUNT; i++)
        ret->at[i] = ret->again[i] = HEADER_NONE;
    ret->adjusted = HEADER_NONE;
    for (size_t i = 0; i < count; i++) {
        header_fold(&row[i], name);
        /* an empty name counts in the first column alone; signs without letters never do */
        const size_t found = name[0] || (i == 0 && row[i].size == 0) ? find_name(name) : NAMES;

        if (found == NAMES) {
            read_asset(name, i, ret);
            continue;
        }
        const enum meaning meaning = names[found].meaning;
        const int rank = names[found].rank;

        if (meaning == MEANS_CLOSE && rank == RANK_ADJUSTED)
            ret->adjusted = i;
        if (ret->at[meaning] != HEADER_NONE && rank == ranks[meaning])
            ret->again[meaning] = i;
        if (ret->at[meaning] != HEADER_NONE && rank >= ranks[meaning])
            continue;
        ret->at[meaning] = i;
        ret->again[meaning] = HEADER_NONE;
        ranks[meaning] = rank;
    }
    ret->close_is_adjusted =
        ret->at[MEANS_CLOSE] != HEADER_NONE && ranks[MEANS_CLOSE] == RANK_ADJUSTED;
}

bool
header_has_time(const struct header *self)
{
    for (size_t i = MEANS_DATE; i <= MEANS_INDEX; i++) {
        if (self->at[i] != HEADER_NONE)
            return true;
    }
    return false;
}

size_t
header_prices(const struct header *self)
{
    size_t count = 0;

    for (size_t i = MEANS_OPEN; i <= MEANS_CLOSE; i++)
        count += self->at[i] != HEADER_NONE;
    return count;
}
