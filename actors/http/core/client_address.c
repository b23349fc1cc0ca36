#include "actors/http/core/client_address.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static void
map_ipv4(const struct in_addr *address, struct client_address *ret)
{
    memset(ret->bytes, 0, 10);
    memset(ret->bytes + 10, 0xff, 2);
    memcpy(ret->bytes + 12, address, 4);
}

static bool
is_mapped(const struct client_address *self)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(self->bytes, prefix, sizeof(prefix)) == 0;
}

static bool
is_loopback(const struct client_address *self)
{
    static const struct client_address one = {.bytes = {[15] = 1}};

    return is_mapped(self) ? self->bytes[12] == 127 : memcmp(self, &one, sizeof(one)) == 0;
}

/* The other end of the connection; what is no address of the internet is nobody's. */
static struct client_address
socket_peer(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    struct client_address peer = {{0}};

    if (address && address->sa_family == AF_INET)
        map_ipv4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, &peer);
    else if (address && address->sa_family == AF_INET6)
        memcpy(peer.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               sizeof(peer.bytes));
    return peer;
}

bool
client_address_parse_forwarded(const char *text, struct client_address *ret)
{
    const char *comma = strrchr(text, ','), *start = comma ? comma + 1 : text;
    char word[CLIENT_ADDRESS_TEXT];
    struct in_addr in;
    struct in6_addr in6;
    size_t size;

    start += strspn(start, " \t");
    size = strcspn(start, " \t");
    if (size >= sizeof(word) || start[size + strspn(start + size, " \t")] != '\0')
        return false;
    memcpy(word, start, size);
    word[size] = '\0';
    if (inet_pton(AF_INET, word, &in) == 1) {
        map_ipv4(&in, ret);
        return true;
    }
    if (inet_pton(AF_INET6, word, &in6) != 1)
        return false;
    memcpy(ret->bytes, &in6, sizeof(ret->bytes));
    return true;
}

static enum MHD_Result
on_forwarded(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    if (strcasecmp(name, "X-Forwarded-For") == 0 && value)
        *(const char **)cls = value; /* the last one counts */
    return MHD_YES;
}

void
client_address_of(struct MHD_Connection *connection, struct client_address *ret)
{
    struct client_address peer = socket_peer(connection);
    const char *forwarded = NULL;

    if (is_loopback(&peer))
        MHD_get_connection_values(connection, MHD_HEADER_KIND, on_forwarded, &forwarded);
    if (forwarded)
        client_address_parse_forwarded(forwarded, &peer);
    if (!is_mapped(&peer))
        memset(peer.bytes + 8, 0, 8);
    *ret = peer;
}

const char *
client_address_text(const struct client_address *self, char text[CLIENT_ADDRESS_TEXT])
{
    bool is_v4 = is_mapped(self);

    if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, self->bytes + (is_v4 ? 12 : 0), text,
                   CLIENT_ADDRESS_TEXT))
        text[0] = '\0';
    return text;
}

bool
client_address_is_proxy_header(const char *name)
{
    static const char *const names[] = {
        "Forwarded",      "Via",         "X-Real-IP",       "Client-IP",
        "True-Client-IP", "X-Client-IP", "CF-Connecting-IP"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return strncasecmp(name, "X-Forwarded", 11) == 0;
}

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    bool *is_proxied = cls;

    (void)kind;
    (void)value;
    *is_proxied = *is_proxied || client_address_is_proxy_header(name);
    return MHD_YES;
}

bool
client_address_is_loopback_name(const char *host)
{
    const char *colon = strrchr(host, ':');
    size_t size = colon && !strchr(colon, ']') ? (size_t)(colon - host) : strlen(host);
    struct in_addr in;
    char name[16];

    if (size == 5 && memcmp(host, "[::1]", 5) == 0)
        return true;
    if (size >= sizeof(name))
        return false;
    memcpy(name, host, size);
    name[size] = '\0';
    if (strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &in) == 1 && ntohl(in.s_addr) >> 24 == 127;
}

bool
client_address_is_local(struct MHD_Connection *connection)
{
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    struct client_address peer = socket_peer(connection);
    bool is_proxied = false;

    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &is_proxied);
    return is_loopback(&peer) && !is_proxied && host && client_address_is_loopback_name(host);
}

bool
client_address_is_behind_tls(struct MHD_Connection *connection)
{
    const char *scheme =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Forwarded-Proto");
    struct client_address peer;

    if (!scheme || strcasecmp(scheme, "https") != 0)
        return false;
    peer = socket_peer(connection);
    return is_loopback(&peer);
}
