/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_RUNNER_ALARM_H
#define FILEMON_RUNNER_ALARM_H

/*
 * The commands of alerts (on-alert).  The watcher says which alert was raised, and
 * with what value; what is run stands in the configuration.  At most
 * ALARMS_MAX at a time: of more, the alert is told all the same, in the event
 * log, and a line in the trace log says that nothing was run.  One that takes
 * longer than ALARM_TIMEOUT_MS is ended.
 */

#define ALARMS_MAX 4
#define ALARM_TIMEOUT_MS 60000

struct alarms;
struct config;
struct jobs;
struct wire_msg;

/* jobs must outlive it, or be freed before anything runs again. */
struct alarms *alarms_new(struct jobs *);
void alarms_free(struct alarms *);
/* WIRE_ALERT. */
void alarms_raise(struct alarms *, const struct config *, const struct wire_msg *);
/* Ends those that run. */
void alarms_stop(struct alarms *);

#endif
