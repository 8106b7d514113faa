#ifndef UNIT_TEST_H
#define UNIT_TEST_H

/* What cmocka.h wants before itself, in the order it wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
