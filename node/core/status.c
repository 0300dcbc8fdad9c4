#include "node/core/status.h"

#include <stdio.h>

#include "proto/base/defs.h"

enum {
	TYPE_text = STATUS_IS_TEXT,
	TYPE_flag = STATUS_IS_FLAG,
	TYPE_gauge = STATUS_IS_GAUGE,
	TYPE_total = STATUS_IS_TOTAL,
	TYPE_offset = STATUS_IS_OFFSET,
}; /* NOLINT(readability-identifier-naming): named by the table */

#define STATUS_ROW(oid, field, type, unit_name, help_text)            \
	{oid,       (enum status_type)TYPE_##type, #field, unit_name, \
	 help_text, offsetof(struct status, field)},
static const struct status_field table[] = {STATUS_LIST(STATUS_ROW)};
#undef STATUS_ROW

const struct status_field *status_fields(void)
{
	return table;
}

size_t status_field_count(void)
{
	return ARRAY_LEN(table);
}

const char *status_line(const struct status *s, char to[STATUS_LINE])
{
	(void)snprintf(to, STATUS_LINE, "%s, %s, epoch %llu, %llu users", s->role, s->pair_state,
	               (unsigned long long)s->epoch, (unsigned long long)s->aors);
	return to;
}

const char *status_type_name(enum status_type type)
{
	static const char *const names[STATUS_TYPES] = {"text", "flag", "gauge", "total", "offset"};

	return names[type];
}
