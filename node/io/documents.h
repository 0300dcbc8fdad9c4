/* documents.h - what the program says of itself from its own tables, for files of the repository and packages. */
#ifndef NODE_IO_DOCUMENTS_H
#define NODE_IO_DOCUMENTS_H

#include <stddef.h>
#include <stdio.h>

struct document {
	const char *option; /* of regpaird, which prints it */
	const char *file;   /* that it is kept in, whole or as a part; NULL: in none */
	void (*print)(FILE *to);
};

const struct document *documents(void);
size_t document_count(void);
const struct document *document_of(const char *option); /* NULL: there is none */

#endif
