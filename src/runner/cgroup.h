/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_CGROUP_H
#define FILEMON_RUNNER_CGROUP_H

/*
 * A control group (version 2) for each job, where one was delegated to filemon:
 * its limits hold for all processes of the job together, and cgroup.kill ends
 * all of them at once, whatever they did to get away.
 */

#include <stdbool.h>
#include <stdint.h>

struct privilege_limits;
struct cgroups; /* the delegated one */
struct cgroup;	/* a job's */

/*
 * where is "auto" (that of filemond itself, where the service manager marked it
 * as delegated), "off", or the directory of an empty one that filemon may use.
 * Groups whose names begin with family were left by a process that was killed,
 * and are ended.  Never NULL: cgroups_text says what is done, for people.
 */
struct cgroups *cgroups_new(const char *where, const char *family);
void cgroups_free(struct cgroups *);
const char *cgroups_text(const struct cgroups *);

/* NULL with errno where there is none to be had; ENOTSUP: none is delegated. */
struct cgroup *cgroup_new(
    struct cgroups *, const char *name, const struct privilege_limits *);
/* A child that writes "0" to it is in it; stays the group's. */
int cgroup_procs_fd(const struct cgroup *);
/* Does the group itself keep to its limits?  false: the child has to. */
bool cgroup_limits(const struct cgroup *);
void cgroup_kill(const struct cgroup *);
/* Kills what is left in it and removes it. */
void cgroup_free(struct cgroup *);

#endif
