/* SPDX-License-Identifier: ISC */
/*
 * Feeds the kept inputs of a fuzz target to it, one test each, so that every
 * compiler and `make check` without libFuzzer see them too.  Its own name,
 * replay_<target>, tells the corpus: $top_srcdir/tests/fuzz/corpus/<target>.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
run(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char *path;
	size_t len;
	uint8_t *copy;
	FILE *file;

	if (asprintf(&path, "%s/%s", dir, name) == -1)
		return -1;
	file = fopen(path, "rb");
	free(path);
	if (file == NULL)
		return -1;
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* A block of just this size: reading past its end is seen. */
	copy = malloc(len == 0 ? 1 : len);
	if (copy == NULL)
		return -1;
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *target = strstr(argv[0], "replay_");
	char dir[4096];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)argc;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", top == NULL ? "." : top,
	    target == NULL ? "" : target + strlen("replay_"));
	d = opendir(dir);
	if (d == NULL) {
		printf("Bail out! no corpus: %s\n", dir);
		return 1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		printf("%s %d - %s\n", run(dir, entry->d_name) == 0 ? "ok" : "not ok",
		    ++n, entry->d_name);
		fflush(stdout);
	}
	closedir(d);
	printf("1..%d\n", n);
	return 0;
}
