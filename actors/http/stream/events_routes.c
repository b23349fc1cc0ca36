/* GET /admin/events/stream and /admin/events/status. */
#include "actors/http/auth/authorize.h"
#include "actors/http/core/answer.h"
#include "actors/http/stream/routes.def"
#include "actors/http/stream/stream_text.h"
#include "actors/http/stream/streams.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"

/* Another status would end an EventSource for good. */
static void
answer_full(request_t *request)
{
    struct stream_text text = {NULL, 0, 0};

    stream_text_retry(&text, STREAM_RETRY_FULL_MS);
    stream_text_comment(&text, "there are as many streams as this server takes; come back");
    answer_text(request, MHD_HTTP_OK, "text/event-stream", &text.data, text.size);
}

/* By whichever name it was given; a header is a browser's own, and newer than the address. */
static const char *
last_id_text(const request_t *request)
{
    const struct query *query = request_query(request);
    const char *const texts[] = {request_header(request, "Last-Event-ID"), query->last_event_id,
                                 query->lastEventId, query->last_event_id_as_header};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i])
            return texts[i];
    return NULL;
}

/* An id that is no number of ours names an event that never was, and so leads to a reset. */
static int64_t
last_id(const request_t *request)
{
    const char *text = last_id_text(request);
    long long id;

    if (!text || !*text)
        return -1;
    return stream_id_parse(text, &id) ? id : INT64_MAX - 1;
}

static bool
read_topics(request_t *request, topics_t *ret)
{
    const struct query *query = request_query(request);
    struct problem problem = {0};
    tm_str_t wrong;

    if (topics_parse(query->has_topics ? query->topics : NULL, ret, &wrong))
        return true;
    problem_add(&problem, TM_VALIDATION_FAILED, "query.topics",
                "\"%.*s\" is no topic: see topics_available in /admin/events/status",
                (int)wrong.size, wrong.data);
    answer_problem(request, &problem);
    return false;
}

/* system.health is sent only to streams that ask for it by name and carry the admin token; a
 * ticket is not enough. */
static topics_t
without_system(request_t *request, topics_t topics)
{
    const struct query *query = request_query(request);
    bool is_asked = query->has_topics && query->topics[0];

    return is_asked && (topics & topics_of(TOPIC_SYSTEM_HEALTH)) && authorize_is_admin(request)
               ? topics
               : topics & ~topics_of(TOPIC_SYSTEM_HEALTH);
}

static void
hand_over(request_t *request, topics_t topics)
{
    char *headers = answer_common_headers(request);
    struct stream_request stream = {.headers = headers,
                                    .filter = {.workspace = request_workspace(request)->id,
                                               .topics = without_system(request, topics)},
                                    .last_id = last_id(request)};

    stream.fd = answer_take_connection(request);
    if (stream.fd >= 0)
        streams_take(request_bridge(request)->streams, &stream);
    else
        answer_full(request);
    free(headers);
}

void
events_stream(request_t *request)
{
    bridge_t *bridge = request_bridge(request);
    topics_t topics;
    char *nothing = NULL;

    if (!read_topics(request, &topics))
        return;
    if (!bridge->streams)
        answer_fail(request, TM_DRAINING, "");
    else if (request_is_head(request))
        answer_text(request, MHD_HTTP_OK, "text/event-stream", &nothing, 0);
    else if (streams_is_full(bridge->streams))
        answer_full(request);
    else
        hand_over(request, topics);
}

void
events_status(request_t *request)
{
    const bridge_t *bridge = request_bridge(request);
    json_t *topics = json_array();
    tm_auto(json) status = NULL;
    char *text;

    for (unsigned i = 0; i < TOPIC_OTHER; i++)
        json_array_append_new(topics, json_string(topic_name(i)));
    status = json_pack(
        "{s:s, s:I, s:I, s:I, s:o}", "mode", bridge->settings->events_bus, "subscriber_count",
        (json_int_t)(bridge->streams ? streams_count(bridge->streams) : 0), "buffer_size",
        (json_int_t)bridge->settings->events_buffer, "buffer_used",
        (json_int_t)(bridge->streams ? streams_buffered(bridge->streams) : 0),
        "topics_available", topics);
    text = json_text_of(status, JSON_COMPACT);
    answer_json(request, &text);
}
