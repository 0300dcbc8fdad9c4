#include "node/ctl/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/ctl/print.h"

enum { TEXT_MAX = 1024 };

struct report report_begin(const struct ctl *ctl)
{
	return (struct report){.json = ctl->json, .findings = json_array()};
}

static void add(struct report *r, bool ok, const char *what, const char *text, const char *remedy)
{
	r->wrong = r->wrong || !ok;
	if (r->json) {
		(void)json_array_append_new(r->findings,
		                            json_pack("{sb ss ss ss}", "ok", ok, "what", what,
		                                      "text", text, "remedy", remedy));
		return;
	}
	(void)printf("%-5s  %-13s  %s\n", ok ? "ok" : "WRONG", what, text);
	if (*remedy != '\0')
		(void)printf("%22s-> %s\n", "", remedy);
}

void report_ok(struct report *r, const char *what, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	add(r, true, what, text, "");
}

void report_wrong(struct report *r, const char *what, const char *remedy, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	add(r, false, what, text, remedy);
}

int report_end(struct report *r)
{
	if (r->json)
		print_json(r->findings);
	json_decref(r->findings);
	r->findings = NULL;
	return r->wrong ? CTL_FAILED : CTL_DONE;
}
