/* Any text is who asks and where to go: what is followed stays on this server, what is written
 * into a page or an address cannot leave its place. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/auth/authorize.h"
#include "actors/http/core/headers.h"
#include "actors/http/core/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_credentials(const char *text)
{
    tm_str_t value = {text, 0};

    if (cookie_find(text, "admin_token", &value))
        assert(strstr(text, "admin_token") && !memchr(value.data, ';', value.size));
    assert(value.data >= text && value.data + value.size <= text + strlen(text));
    value = bearer_token(text);
    assert(value.size < strlen(text) || value.size == 0);
    if (accepts_html(text))
        assert(strcasestr(text, "text/html"));
}

static void
check_peer(const char *text)
{
    char printed[CLIENT_ADDRESS_TEXT];
    struct client_address peer, again;

    client_address_is_loopback_name(text);
    client_address_is_proxy_header(text);
    if (!client_address_parse_forwarded(text, &peer))
        return;
    client_address_text(&peer, printed);
    assert(client_address_parse_forwarded(printed, &again));
    assert(memcmp(&peer, &again, sizeof(peer)) == 0);
}

static void
check_html(const char *text)
{
    html_t *page = html_new();
    char *printed;
    size_t size;

    html_text(page, text);
    html_add(page, "\n");
    html_percent(page, text);
    printed = html_take(&page, &size);
    assert(strlen(printed) == size);
    assert(!strpbrk(printed, "<>\"'"));
    free(printed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    if (!text)
        return 0;
    check_credentials(text);
    check_peer(text);
    check_html(text);
    if (authorize_is_own_address(text))
        assert(text[0] == '/' && text[1] != '/' && !strpbrk(text, "\\ \t\r\n"));
    free(text);
    return 0;
}
