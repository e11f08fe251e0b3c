/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_COMPILER_H
#define FILEMON_BASE_COMPILER_H

/* What the language lacks: the size of an array, and marks for the compiler. */

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define NORETURN __attribute__((__noreturn__))
#define UNUSED __attribute__((__unused__))

#endif
