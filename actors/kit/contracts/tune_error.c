#include "actors/kit/contracts/tune_error.h"

#include <stdarg.h>
#include <stdio.h>

tm_err_t
tune_refuse(struct tune_request_error *ret, tm_err_t err, const char *field, const char *format,
            ...)
{
    char text[sizeof(ret->text)];
    va_list args;

    if (!ret)
        return err;
    ret->err = err;
    snprintf(ret->field, sizeof(ret->field), "%s", field);
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* a name may have been cut within a character */
    ret->text[tm_text_clean(text, ret->text, sizeof(ret->text) - 1).size] = '\0';
    return err;
}
