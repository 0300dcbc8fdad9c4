/* keepalived_file.h - keepalived's configuration as a list of statements, each with the blocks it
 * stands in. Enough to look things up; keepalived itself judges the rest (`keepalived -t`). */
#ifndef NODE_CTL_KEEPALIVED_FILE_H
#define NODE_CTL_KEEPALIVED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { KEEPALIVED_TEXT_MAX = 256 };

struct keepalived_statement {
	char where
		[KEEPALIVED_TEXT_MAX]; /* "vrrp_instance VI_SIP/track_file"; "" outside of blocks */
	char text[KEEPALIVED_TEXT_MAX]; /* words, one space apart, without quotes */
};

struct keepalived_file {
	struct keepalived_statement *statements;
	size_t n;
};

/* Longer texts are cut. The end of a block and its beginning are statements no more. */
struct keepalived_file keepalived_read(FILE *from);
void keepalived_free(struct keepalived_file *f);

/* Is there a block of that path? */
bool keepalived_has_block(const struct keepalived_file *f, const char *where);
/* What stands behind the word at that place ("" where nothing does); NULL: the word is not there. */
const char *keepalived_value(const struct keepalived_file *f, const char *where, const char *word);
/* The path of the block `kind NAME` in which the statement stands; NULL: in none. */
const char *keepalived_block_with(const struct keepalived_file *f, const char *kind,
                                  const char *statement);

#endif
