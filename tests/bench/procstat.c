#include "tests/bench/procstat.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t thread_ns(pid_t pid, const char *thread)
{
	char path[320];
	char line[128];

	snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid, thread);

	FILE *file = fopen(path, "r");

	if (file == NULL)
		return 0;

	int64_t ns = fgets(line, sizeof line, file) != NULL ? strtoll(line, NULL, 10) : 0;

	fclose(file);
	return ns;
}

int64_t procstat_ns(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);

	DIR *threads = opendir(path);
	const struct dirent *entry = NULL;
	int64_t sum = 0;

	if (threads == NULL)
		return -1;
	while ((entry = readdir(threads)) != NULL)
		if (entry->d_name[0] != '.')
			sum += thread_ns(pid, entry->d_name);
	closedir(threads);
	return sum;
}

int64_t procstat_own_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
