#include "ops/supervisor/announce.h"

static const char *
how_to_log_in(const settings_t *settings)
{
    if (settings->http_admin_token[0])
        return "with the admin token, which is the value of ADMIN_TOKEN (or http.admin_token)";
    if (settings->http_allow_localhost_admin)
        return "not needed from this machine (ALLOW_LOCALHOST_ADMIN)";
    return "nobody can: start again with ADMIN_TOKEN=..., or with ALLOW_LOCALHOST_ADMIN=true";
}

static const char *
text_of(const json_t *what, const char *name)
{
    const char *text = json_string_value(json_object_get(what, name));

    return text ? text : "-";
}

void
announce_in_words(FILE *out, const settings_t *settings, const json_t *what,
                  const char *data_dir)
{
    fprintf(out, "\nTunemill is ready.\n\n");
    fprintf(out, "  pages      %s/\n", text_of(what, "http"));
    fprintf(out, "  log in     %s\n", how_to_log_in(settings));
    fprintf(out, "  data       %s\n", data_dir);
    fprintf(out, "  database   %s\n", text_of(what, "database"));
    fprintf(out, "  broker     %s\n\n", text_of(what, "broker"));
    fprintf(
        out,
        "A tune from the command line: tunemill submit PRICES.csv --strategy bb_reversal "
        "--watch --data-dir %s\n"
        "Ctrl-C stops everything; what was accepted is kept, and goes on at the next start.\n",
        data_dir);
}
