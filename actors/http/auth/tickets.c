#include "actors/http/auth/tickets.h"

#include <sys/random.h>

#include "actors/kit/util/digest.h"

enum { NONCE_SIZE = 16, EXPIRY_DIGITS = 12, MAC_TEXT = SHA256_TEXT - 1 };

static const char version[] = "v1.";

struct tickets {
    uint8_t key[SHA256_SIZE];
    int64_t seconds;
};

static void
fill_key(void *bytes, size_t size)
{
    while (getrandom(bytes, size, 0) != (ssize_t)size)
        ;
}

tickets_t *
tickets_new(const char *admin_token, int64_t seconds)
{
    static const char purpose[] = "tunemill event stream ticket";
    tickets_t *self = zmalloc(sizeof(*self));

    self->seconds = seconds;
    if (admin_token[0])
        hmac_of(admin_token, strlen(admin_token), purpose, strlen(purpose), self->key);
    else
        fill_key(self->key, sizeof(self->key));
    return self;
}

void
tickets_destroy(tickets_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* Of the first `size` bytes of a ticket, in digits */
static void
sign_ticket(const tickets_t *self, const char *text, size_t size, char mac[SHA256_TEXT])
{
    uint8_t raw[SHA256_SIZE];

    hmac_of(self->key, sizeof(self->key), text, size, raw);
    hex_text(raw, sizeof(raw), mac);
}

int64_t
tickets_make(const tickets_t *self, const struct workspace *workspace, int64_t utc_ms,
             char text[TICKET_TEXT])
{
    int64_t expiry_s = utc_ms / 1000 + self->seconds;
    char id[TM_UUID_TEXT] = "-", nonce_text[2 * NONCE_SIZE + 1], mac[SHA256_TEXT];
    uint8_t nonce[NONCE_SIZE];
    int size;

    if (workspace->is_known)
        tm_uuid_text(&workspace->id, id);
    fill_key(nonce, sizeof(nonce));
    size = snprintf(text, TICKET_TEXT, "%s%lld.%s.%s", version, (long long)expiry_s, id,
                    hex_text(nonce, sizeof(nonce), nonce_text));
    sign_ticket(self, text, (size_t)size, mac);
    snprintf(text + size, TICKET_TEXT - (size_t)size, ".%s", mac);
    return expiry_s * 1000;
}

/* Compares digests of the two, so that the time tells nothing. */
static bool
is_signed(const tickets_t *self, const char *text, size_t size)
{
    size_t signed_size = size - MAC_TEXT - 1;
    uint8_t ours[SHA256_SIZE], theirs[SHA256_SIZE];
    char mac[SHA256_TEXT];

    sign_ticket(self, text, signed_size, mac);
    digest_of(mac, MAC_TEXT, ours);
    digest_of(text + signed_size + 1, MAC_TEXT, theirs);
    return text[signed_size] == '.' && digest_is(ours, theirs);
}

/* "1234567890." moves the text behind it. */
static bool
read_expiry(tm_str_t *text, int64_t *ret_ms)
{
    int64_t seconds = 0;
    size_t i = 0;

    for (; i < text->size && i < EXPIRY_DIGITS && isdigit((unsigned char)text->data[i]); i++)
        seconds = seconds * 10 + (text->data[i] - '0');
    if (i == 0 || i == text->size || text->data[i] != '.')
        return false;
    *text = (tm_str_t){text->data + i + 1, text->size - i - 1};
    *ret_ms = seconds * 1000;
    return true;
}

/* "-." or "<id>.", and a nonce behind it, which nobody looks at. */
static bool
read_workspace(tm_str_t text, struct workspace *ret)
{
    struct workspace workspace = {.is_known = false};
    const char *dot = memchr(text.data, '.', text.size);
    size_t size = dot ? (size_t)(dot - text.data) : 0;

    if (size == 1 && text.data[0] == '-') {
        *ret = workspace;
        return true;
    }
    workspace.is_known = tm_uuid_parse(text.data, size, &workspace.id) == TM_OK;
    if (!workspace.is_known)
        return false;
    *ret = workspace;
    return true;
}

/* A text just long enough for version and mac has nothing between them, so it is refused. */
static bool
has_size(size_t size)
{
    return size < TICKET_TEXT && size > strlen(version) + 1 + MAC_TEXT;
}

bool
ticket_parse(const char *text, size_t size, int64_t *ret_expiry_ms, struct workspace *ret)
{
    tm_str_t rest;

    if (!has_size(size) || memcmp(text, version, strlen(version)) != 0)
        return false;
    rest = (tm_str_t){text + strlen(version), size - strlen(version) - 1 - MAC_TEXT};
    return read_expiry(&rest, ret_expiry_ms) && read_workspace(rest, ret);
}

tm_err_t
tickets_read(const tickets_t *self, const char *text, size_t size, int64_t utc_ms,
             struct workspace *ret)
{
    struct workspace workspace;
    int64_t expiry_ms;

    if (!has_size(size) || !is_signed(self, text, size) ||
        !ticket_parse(text, size, &expiry_ms, &workspace))
        return TM_FORBIDDEN;
    if (expiry_ms <= utc_ms)
        return TM_UNAUTHORIZED;
    *ret = workspace;
    return TM_OK;
}
