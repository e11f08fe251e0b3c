/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_HELPER_H
#define FILEMON_BASE_HELPER_H

/*
 * Where the helper programs are: those that the runner starts for work that is
 * too heavy, or needs libraries too large, for filemond itself.  They are
 * installed in libexecdir/filemon, and nobody types their names.
 *
 * Looked for in this order:
 *   1. $FILEMON_LIBEXECDIR, whatever is there: whoever sets it is obeyed;
 *   2. the folder of the running program, where name can be executed there: so
 *      that a build directory works without being installed;
 *   3. the folder that was configured.
 */

/* The caller frees.  The file need not exist: who starts it will be told so. */
char *helper_path(const char *name);

#endif
