/* The alarms, as JSON: all of them, raised or not. Changes nothing. */
#include "node/io/control_parts.h"

static json_t *alarm_of(const struct alarm_row *row, const struct alarm *a, const struct status *s)
{
	char text[ALARM_TEXT];

	return json_pack("{ss sI ss sb sI ss ss}", "name", row->name, "oid", (json_int_t)row->oid,
	                 "severity", alarm_severity_name(row->severity), "raised", a->raised,
	                 "since_ms", (json_int_t)a->since_wall_ms, "text",
	                 a->raised ? alarm_text(row, s, text) : row->meaning, "remedy",
	                 row->remedy);
}

json_t *control_read_alarms(const struct control_view *v, const json_t *request,
                            struct control_error *error)
{
	const struct alarms *alarms = loop_alarms(v->loop);
	json_t *list = json_array();
	struct status s;

	(void)request;
	(void)error;
	loop_status(v->loop, &s);
	for (size_t i = 0; i < alarm_count(); i++)
		(void)json_array_append_new(list, alarm_of(&alarm_rows()[i], &alarms->at[i], &s));
	return list;
}
