/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE 1
#include "bench/lab.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t
lab_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void
lab_sleep_until(int64_t ns)
{
	const struct timespec ts = { .tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		continue;
}

static void
add(char out[LAB_PATH], const char *what, int width, unsigned long number)
{
	char part[64];
	size_t len = strlen(out);
	size_t n = (size_t)snprintf(part, sizeof(part), "%s%0*lu", what, width, number);

	if (len + n + 1 >= LAB_PATH)
		errx(1, "%s: the path is too long", out);
	memcpy(out + len, part, n + 1);
}

static void
add_dir(char out[LAB_PATH], unsigned long i)
{
	if (i == 0)
		return;
	add_dir(out, (i - 1) / LAB_FANOUT);
	add(out, "/dir-", 6, i);
}

void
lab_dir(char out[LAB_PATH], const char *top, unsigned long i)
{
	if (snprintf(out, LAB_PATH, "%s", top) >= LAB_PATH)
		errx(1, "%s: the path is too long", top);
	add_dir(out, i);
}

void
lab_file(char out[LAB_PATH], const char *top, unsigned long id, unsigned long per)
{
	lab_dir(out, top, id / per);
	add(out, "/f", 7, id);
}

void
lab_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd == -1 || write(fd, "x", 1) != 1)
		err(1, "%s", path);
	close(fd);
}

unsigned long
lab_number(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		errx(64, "%s: a number is wanted", text);
	return n;
}
