/* err.h - the one error vocabulary. Codes are for code, texts are for people. */
#ifndef PROTO_BASE_ERR_H
#define PROTO_BASE_ERR_H

#define ERR_LIST(X)                                                   \
	X(OK, "ok")                                                   \
	X(ERR_MALFORMED, "bytes do not follow the grammar")           \
	X(ERR_TOO_BIG, "a limit of ours was exceeded")                \
	X(ERR_VERSION, "a format or protocol version we do not know") \
	X(ERR_NOT_FOUND, "no such record")                            \
	X(ERR_EXISTS, "it is there already")                          \
	X(ERR_FULL, "the store has no room left")                     \
	X(ERR_IO, "the operating system refused")                     \
	X(ERR_CORRUPT, "stored data fails its own checks")            \
	X(ERR_FOREIGN, "it belongs to another pair")                  \
	X(ERR_UNSUPPORTED, "understood, but not offered here")

#define ERR_ENUM(name, text) name,
enum err { ERR_LIST(ERR_ENUM) ERR_COUNT };
#undef ERR_ENUM

const char *err_text(enum err e);

#endif
