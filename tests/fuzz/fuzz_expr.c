#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct strategy_param params[] = {
        {.name = "n", .is_int = true, .min = 1, .max = 9, .default_value = 3}};
    struct expr_scope *scope = calloc(1, sizeof *scope);
    struct program *program = calloc(1, sizeof *program);
    char *text = malloc(size + 1), detail[STRATEGY_DETAIL_BYTES] = "";

    if (scope && program && text) {
        memcpy(text, data, size);
        text[size] = '\0';
        scope->params = params;
        scope->param_count = 1;
        if (expr_compile(scope, text, program, detail, sizeof detail) != TM_OK)
            assert(strncmp(detail, "position ", 9) == 0);
        else
            assert(program->code_count <= PROGRAM_CODE_MAX);
    }
    free(scope);
    free(program);
    free(text);
    return 0;
}
