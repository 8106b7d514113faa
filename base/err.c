#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int cb_error_set(struct cb_error *reterr, int code, const char *where, const char *fmt, ...)
{
    if (!reterr)
        return code;
    /* where may be reterr->where itself: a caller that rewords the text keeps the place */
    if (where != reterr->where)
        snprintf(reterr->where, sizeof reterr->where, "%s", where ? where : "");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reterr->text, sizeof reterr->text, fmt, ap);
    va_end(ap);
    return code;
}
