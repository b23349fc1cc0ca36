/* Any words are the --space options of a command, one a line: refused with words, or a
 * param_space of ascending ranges and lists within bounds. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cli/param_space_arg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_space(json_t *space)
{
    const char *name;
    json_t *values;

    json_object_foreach(space, name, values)
    {
        if (json_is_array(values)) {
            assert(json_array_size(values) > 0 &&
                   json_array_size(values) <= PARAM_SPACE_ARG_MAX);
            continue;
        }
        assert(json_number_value(json_object_get(values, "min")) <=
               json_number_value(json_object_get(values, "max")));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *rest = text, *line;
    char detail[CLI_DETAIL_MAX] = "";
    struct cli_list list = {.count = 0};

    if (!text)
        return 0;
    while (list.count < CLI_LIST_MAX && (line = strsep(&rest, "\n")))
        list.items[list.count++] = line;
    json_t *space = param_space_arg_parse(&list, detail, sizeof detail);
    assert(space || detail[0]);
    if (space)
        check_space(space);
    json_decref(space);
    free(text);
    return 0;
}
