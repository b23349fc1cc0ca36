#include "actors/tune/data/container.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>
#include <zlib.h>

#include "actors/tune/data/findings.h"

#define RATIO_MAX     200
#define RATIO_FREE    ((size_t)1 << 20)
#define GZIP_WINDOW   (15 + 16)
#define ZIP_END       22 /* bytes of the end record, without its comment */
#define ZIP_ENTRY     46
#define ZIP_LOCAL     30
#define ZIP_NAMES_MAX 3 /* shown in a refusal */

/* ---- what is no table ------------------------------------------------------------------- */

struct magic {
    const char *bytes;
    size_t size;
    const char *kind;
};
#define MAGIC(bytes, kind)             \
    {                                  \
        bytes, sizeof(bytes) - 1, kind \
    }

static const struct magic magics[] = {
    MAGIC("PAR1", "a Parquet file"),
    MAGIC("ARROW1", "an Arrow or Feather file"),
    MAGIC("FEA1", "a Feather file"),
    MAGIC("\x89HDF\r\n", "an HDF5 file"),
    MAGIC("SQLite format 3", "an SQLite database"),
    MAGIC("\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    MAGIC("%PDF", "a PDF"),
    MAGIC("{\\rtf", "an RTF document"),
    MAGIC("BZh", "a bzip2 file"),
    MAGIC("\xfd"
          "7zXZ",
          "an xz file"),
    MAGIC("\x28\xb5\x2f\xfd", "a zstd file"),
    MAGIC("7z\xbc\xaf\x27\x1c", "a 7z file"),
    MAGIC("Rar!", "a RAR file"),
    MAGIC("\x89PNG", "a PNG image"),
    MAGIC("\xff\xd8\xff", "a JPEG image"),
    MAGIC("\x7f"
          "ELF",
          "a program"),
    MAGIC("\x93NUMPY", "a NumPy array"),
};

static bool
begins(const struct text *text, const char *word)
{
    const size_t size = strlen(word);

    return text->size >= size && strncasecmp(text->at, word, size) == 0;
}

/* NULL: it may be a table. */
static const char *
kind_of(const struct text *text)
{
    struct text rest = *text;

    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (text->size >= magics[i].size &&
            memcmp(text->at, magics[i].bytes, magics[i].size) == 0)
            return magics[i].kind;
    }
    if (text->size > 2 && text->at[0] == '\x80' && text->at[1] >= 2 && text->at[1] <= 5)
        return "a Python pickle";
    if (begins(&rest, "\xef\xbb\xbf")) {
        rest.at += 3;
        rest.size -= 3;
    }
    while (rest.size > 0 && strchr(" \t\r\n", rest.at[0]) && rest.at[0]) {
        rest.at++;
        rest.size--;
    }
    if (begins(&rest, "<!doctype") || begins(&rest, "<html") || begins(&rest, "<head") ||
        begins(&rest, "<body"))
        return "a web page (HTML)";
    if (begins(&rest, "<?xml") || begins(&rest, "<svg"))
        return "XML";
    if (begins(&rest, "{") || begins(&rest, "["))
        return "JSON";
    return NULL;
}

/* ---- unpacking -------------------------------------------------------------------------- */

struct unpacking {
    z_stream stream;
    struct data_report *report;
    enum data_refusal damage; /* DATA_GZIP or DATA_ZIP */
    char *out;
    size_t used, capacity, limit, packed;
};

static tm_err_t
grow(struct unpacking *self)
{
    const size_t room = self->capacity < self->limit / 2 ? self->capacity * 2 : self->limit;
    char *out;

    if (self->capacity >= self->limit)
        return findings_refuse(self->report, DATA_UNPACKED, 0,
                               "the file unpacks to more than %zu bytes, from %zu; at most "
                               "%d times its size and the server's limit are read",
                               self->limit, self->packed, RATIO_MAX);
    out = realloc(self->out, room + 1);
    if (!out)
        return TM_NO_MEMORY;
    self->out = out;
    self->capacity = room;
    return TM_OK;
}

/* Until the stream's end; Z_STREAM_END when that was reached. */
static tm_err_t
inflate_all(struct unpacking *self, int *ret_status)
{
    z_stream *stream = &self->stream;
    int status = Z_OK;

    while (status == Z_OK) {
        tm_err_t err = self->used == self->capacity ? grow(self) : TM_OK;
        if (err)
            return err;
        const size_t room = self->capacity - self->used;
        const uInt step = room > 1U << 30 ? 1U << 30 : (uInt)room;
        stream->next_out = (Bytef *)self->out + self->used;
        stream->avail_out = step;
        status = inflate(stream, Z_NO_FLUSH);
        self->used += step - stream->avail_out;
        if (status == Z_BUF_ERROR && stream->avail_out == 0)
            status = Z_OK;
    }
    *ret_status = status;
    return TM_OK;
}

static tm_err_t
unpack_prepare(struct unpacking *self, const char *packed, size_t size, int window)
{
    const size_t by_ratio = size > SIZE_MAX / RATIO_MAX ? SIZE_MAX : size * RATIO_MAX;

    self->packed = size;
    if (self->limit > by_ratio)
        self->limit = by_ratio > RATIO_FREE      ? by_ratio
                      : self->limit > RATIO_FREE ? RATIO_FREE
                                                 : self->limit;
    self->capacity = size * 4 < self->limit ? size * 4 : self->limit;
    self->out = malloc(self->capacity + 1);
    if (!self->out || size > UINT32_MAX)
        return TM_NO_MEMORY;
    /* zlib takes what it reads as const where it is built so; it never writes there */
    memcpy(&self->stream.next_in, &packed, sizeof packed);
    self->stream.avail_in = (uInt)size;
    return inflateInit2(&self->stream, window) == Z_OK ? TM_OK : TM_NO_MEMORY;
}

static tm_err_t
damaged(struct unpacking *self, const char *what)
{
    return findings_refuse(self->report, self->damage, 0, "the %s file is %s",
                           self->damage == DATA_GZIP ? "gzip" : "zip", what);
}

static tm_err_t
gunzip_members(struct unpacking *self)
{
    for (;;) {
        int status;
        tm_err_t err = inflate_all(self, &status);

        if (err)
            return err;
        if (status != Z_STREAM_END)
            return damaged(self, status == Z_BUF_ERROR ? "cut short" : "damaged");
        if (self->stream.avail_in == 0)
            return TM_OK;
        if (inflateReset(&self->stream) != Z_OK)
            return TM_NO_MEMORY;
    }
}

static tm_err_t
gunzip(struct text *text, size_t max_bytes, struct data_report *report)
{
    struct unpacking self = {.report = report, .damage = DATA_GZIP, .limit = max_bytes};
    tm_err_t err = unpack_prepare(&self, text->at, text->size, GZIP_WINDOW);

    if (!err)
        err = gunzip_members(&self);
    inflateEnd(&self.stream);
    if (err)
        free(self.out);
    else
        text_take(text, self.out, self.used);
    return err;
}

/* ---- zip -------------------------------------------------------------------------------- */

struct zip_entry {
    unsigned flags, method;
    uint32_t crc, packed, size, offset;
    const char *name;
    size_t name_size;
};

static uint32_t
little(const char *at, size_t bytes)
{
    uint32_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return value;
}

/* A folder, or what macOS puts beside a file. */
static bool
is_beside(const struct zip_entry *entry)
{
    return entry->name_size == 0 || entry->name[entry->name_size - 1] == '/' ||
           (entry->name_size > 9 && memcmp(entry->name, "__MACOSX/", 9) == 0);
}

static bool
is_workbook(const struct zip_entry *entry)
{
    return entry->name_size == 19 && memcmp(entry->name, "[Content_Types].xml", 19) == 0;
}

static const char *
zip_end(const struct text *text)
{
    const size_t furthest = ZIP_END + 65535;

    for (size_t back = ZIP_END; back <= text->size && back <= furthest; back++) {
        const char *at = text->at + text->size - back;

        if (memcmp(at, "PK\5\6", 4) == 0)
            return at;
    }
    return NULL;
}

/* False at the end, or where it is damaged. */
static bool
next_entry(const struct text *text, size_t *at, struct zip_entry *ret)
{
    const char *entry = text->at + *at;

    if (*at > text->size || text->size - *at < ZIP_ENTRY || memcmp(entry, "PK\1\2", 4) != 0)
        return false;
    *ret = (struct zip_entry){.flags = little(entry + 8, 2),
                              .method = little(entry + 10, 2),
                              .crc = little(entry + 16, 4),
                              .packed = little(entry + 20, 4),
                              .size = little(entry + 24, 4),
                              .offset = little(entry + 42, 4),
                              .name = entry + ZIP_ENTRY,
                              .name_size = little(entry + 28, 2)};
    const size_t tail = ret->name_size + little(entry + 30, 2) + little(entry + 32, 2);
    if (text->size - *at - ZIP_ENTRY < tail)
        return false;
    *at += ZIP_ENTRY + tail;
    return true;
}

static tm_err_t
find_only(struct unpacking *self, const struct text *text, struct zip_entry *ret)
{
    const char *end = zip_end(text);
    char names[DATA_TEXT_BYTES] = "";
    struct zip_entry entry;
    size_t at = end ? little(end + 16, 4) : text->size, files = 0, used = 0;

    if (!end)
        return damaged(self, "damaged or cut short");
    while (next_entry(text, &at, &entry)) {
        char name[DATA_WORD_BYTES];

        if (is_workbook(&entry))
            return findings_refuse(self->report, DATA_KIND, 0,
                                   "the file is an Excel workbook (.xlsx), not a text table; "
                                   "save the sheet as CSV");
        if (is_beside(&entry))
            continue;
        findings_quote(entry.name, entry.name_size, name);
        if (files++ == 0)
            *ret = entry;
        if (files <= ZIP_NAMES_MAX)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     files > 1 ? ", " : "", name);
    }
    if (files == 1)
        return TM_OK;
    return findings_refuse(self->report, DATA_ZIP, 0,
                           "the zip file holds %zu files%s%s; one is needed", files,
                           files ? ": " : "", names);
}

static tm_err_t
inflate_entry(struct unpacking *self, const struct zip_entry *entry)
{
    int status = Z_STREAM_END;
    tm_err_t err = TM_OK;

    if (entry->method == 0) {
        if (entry->packed > self->capacity)
            return damaged(self, "damaged");
        memcpy(self->out, self->stream.next_in, entry->packed);
        self->used = entry->packed;
    } else {
        err = inflate_all(self, &status);
    }
    if (err)
        return err;
    if (status != Z_STREAM_END || self->used != entry->size ||
        crc32_z(0, (const Bytef *)self->out, self->used) != entry->crc)
        return damaged(self, "damaged");
    return TM_OK;
}

static tm_err_t
unzip(struct text *text, size_t max_bytes, struct data_report *report)
{
    struct unpacking self = {.report = report, .damage = DATA_ZIP, .limit = max_bytes};
    struct zip_entry entry = {0};
    tm_err_t err = find_only(&self, text, &entry);

    if (err)
        return err;
    if (entry.flags & 1)
        return damaged(&self, "encrypted");
    if ((entry.method != 0 && entry.method != 8) || entry.size == UINT32_MAX)
        return damaged(&self, "packed in a way that is not read here (deflate is)");
    if (text->size < ZIP_LOCAL || entry.offset > text->size - ZIP_LOCAL ||
        memcmp(text->at + entry.offset, "PK\3\4", 4) != 0)
        return damaged(&self, "damaged");
    const char *local = text->at + entry.offset;
    const size_t start =
        entry.offset + ZIP_LOCAL + little(local + 26, 2) + little(local + 28, 2);
    if (start > text->size || entry.packed > text->size - start)
        return damaged(&self, "damaged");
    err = unpack_prepare(&self, text->at + start, entry.packed, -15);
    if (!err)
        err = inflate_entry(&self, &entry);
    inflateEnd(&self.stream);
    if (err)
        free(self.out);
    else
        text_take(text, self.out, self.used);
    return err;
}

/* ---- the whole -------------------------------------------------------------------------- */

static tm_err_t
refuse_kind(const struct text *text, struct data_report *report)
{
    const char *kind = kind_of(text);

    if (!kind)
        return TM_OK;
    return findings_refuse(report, DATA_KIND, 0,
                           "the file is %s, not a text table; save it as CSV", kind);
}

tm_err_t
container_open(struct text *text, size_t max_bytes, struct data_report *report)
{
    tm_err_t err = TM_OK;

    snprintf(report->container, sizeof report->container, "plain");
    if (text->size >= 2 && memcmp(text->at, "\x1f\x8b", 2) == 0) {
        snprintf(report->container, sizeof report->container, "gzip");
        err = gunzip(text, max_bytes, report);
    } else if (text->size >= 4 &&
               (memcmp(text->at, "PK\3\4", 4) == 0 || memcmp(text->at, "PK\5\6", 4) == 0)) {
        snprintf(report->container, sizeof report->container, "zip");
        err = unzip(text, max_bytes, report);
    }
    return err ? err : refuse_kind(text, report);
}
