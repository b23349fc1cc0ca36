/* Any bytes are a ticket: nobody makes one without the key, and what is read of one that was
 * made is what was put into it. */
#include <assert.h>
#include <string.h>

#include "actors/http/auth/tickets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was parsed, printed again, leads the text. */
static void
check_parts(const char *text, size_t size)
{
    struct workspace workspace, again;
    char head[TICKET_TEXT], id[TM_UUID_TEXT] = "-";
    int64_t expiry_ms;

    if (!ticket_parse(text, size, &expiry_ms, &workspace))
        return;
    assert(expiry_ms >= 0 && expiry_ms % 1000 == 0);
    if (workspace.is_known)
        tm_uuid_text(&workspace.id, id);
    snprintf(head, sizeof(head), "v1.%lld.%s.n.%064d", (long long)(expiry_ms / 1000), id, 0);
    assert(ticket_parse(head, strlen(head), &expiry_ms, &again));
    assert(workspace.is_known == again.is_known);
    assert(!workspace.is_known || tm_uuid_is(&workspace.id, &again.id));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tickets_t *tickets;
    const char *text = (const char *)data;
    struct workspace workspace;

    if (!tickets)
        tickets = tickets_new("", 300);
    assert(tickets_read(tickets, text, size, 0, &workspace) == TM_FORBIDDEN);
    check_parts(text, size);
    return 0;
}
