#include "node/ctl/lines.h"

#include <stdlib.h>
#include <string.h>

#include "node/ctl/ctl.h"

const char *lines_dir(const char *dir, const char *from, struct config **config)
{
	if (dir != NULL)
		return dir;
	*config = ctl_read_config(from, "The configuration names the store; or use --store DIR");
	return *config != NULL ? (*config)->store_dir : NULL;
}

bool lines_split(char *line, char **field, size_t n)
{
	char *rest = line;

	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < n; i++)
		field[i] = i + 1 < n ? strsep(&rest, "\t") : rest;
	return field[n - 1] != NULL;
}

bool lines_number(const char *text, long long *to)
{
	char *end;

	*to = strtoll(text, &end, 10);
	return end != text && *end == '\0';
}
