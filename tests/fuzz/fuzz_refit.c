/* samples.json and calibration.json of a package whose key is in a stranger's hands, parted by a
 * NUL: a speed that is one, or none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refit.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *part = memchr(data, 0, size);
    double kmh = NAN;
    if (!part)
        return 0;
    size_t n = (size_t) (part - data);
    int r = cb_refit_measure((const char *) data, n, (const char *) part + 1, size - n - 1, &kmh);
    if (r == 0 && !isnan(kmh) && !(kmh >= 0 && isfinite(kmh))) {
        fprintf(stderr, "a speed of %g km/h\n", kmh);
        abort();
    }
    return 0;
}
