/* `regpairctl alarms`: what is raised now, what it means and what to do. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/ctl/client.h"
#include "node/ctl/print.h"

static const char *word(const json_t *alarm, const char *key)
{
	const char *text = json_string_value(json_object_get(alarm, key));

	return text != NULL ? text : "?";
}

static const char *local_time(json_int_t ms, char to[32])
{
	time_t s = (time_t)(ms / 1000);
	struct tm t;

	if (ms == 0 || localtime_r(&s, &t) == NULL || strftime(to, 32, "%F %T", &t) == 0)
		(void)snprintf(to, 32, "-");
	return to;
}

static void print_alarm(const json_t *alarm)
{
	char since[32];

	(void)printf("%-8s  %s since %s\n", word(alarm, "severity"), word(alarm, "name"),
	             local_time(json_integer_value(json_object_get(alarm, "since_ms")), since));
	(void)printf("          %s\n          -> %s\n", word(alarm, "text"), word(alarm, "remedy"));
}

int ctl_alarms(const struct ctl *ctl, int argc, char **argv)
{
	size_t raised = 0, i;
	json_t *alarms, *alarm;
	int code;

	if (argc > 1)
		return ctl_misused("alarms", "unexpected argument: %s", argv[1]);
	alarms = client_ask_once(ctl, json_pack("{ss}", "command", "alarms"), &code);
	if (alarms != NULL && ctl->json)
		print_json(alarms);
	json_array_foreach(alarms, i, alarm)
	{
		bool is = json_is_true(json_object_get(alarm, "raised"));
		raised += is;
		if (is && !ctl->json)
			print_alarm(alarm);
	}
	if (alarms != NULL && raised == 0 && !ctl->json)
		(void)puts("no alarm is raised");
	json_decref(alarms);
	return raised > 0 ? CTL_FAILED : code;
}
