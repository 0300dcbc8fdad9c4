#include "node/core/status.h"

#include "proto/base/defs.h"

enum {
	TYPE_text = STATUS_IS_TEXT,
	TYPE_count = STATUS_IS_COUNT,
	TYPE_flag = STATUS_IS_FLAG
}; /* NOLINT(readability-identifier-naming): named by the table */

#define STATUS_ROW(field, type, unit_name, help_text)                 \
	{#field, (enum status_type)TYPE_##type, unit_name, help_text, \
	 offsetof(struct status, field)},
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
